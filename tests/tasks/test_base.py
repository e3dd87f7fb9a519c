"""What all tasks share: greedy evaluation, optimizers."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from emolit.errors import ConfigError
from emolit.evaluators.categorical import Categorical
from emolit.prompts.direct import Direct
from emolit.tasks.sft import SupervisedFinetuning
from emolit.taxonomy import Taxonomy
from tests.tasks.toy import WORDS, Table, asked


@pytest.fixture
def task():
    return SupervisedFinetuning(
        policy=Table(),
        optimizer=partial(torch.optim.SGD, lr=1.0),
        evaluator=Categorical(Taxonomy(WORDS)),
        scheduler=partial(torch.optim.lr_scheduler.StepLR, step_size=1),
        prompt=Direct(),
    )


def test_evaluation_takes_the_most_likely_answer_once_a_clip(task):
    with torch.no_grad():
        task.policy.logits[:, 2] = 0.1
    evaluation = task.evaluate(asked())
    assert evaluation.answers == ("neutral",) * 4
    assert evaluation.responses == ("<answer>neutral</answer>",) * 4


def test_a_scheduler_steps_with_the_optimizer(task):
    configured = task.configure_optimizers()
    assert configured["lr_scheduler"]["interval"] == "step"
    assert configured["lr_scheduler"]["scheduler"].optimizer is configured["optimizer"]


def test_loaders_without_a_corpus_are_refused_in_a_sentence(task):
    task._trainer = SimpleNamespace(datamodule=None)
    with pytest.raises(ConfigError, match="give the trainer a corpus as `datamodule`"):
        task.on_validation_epoch_start()

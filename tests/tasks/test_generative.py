"""Greedy answers, and who may evaluate."""

from types import SimpleNamespace

import pytest
import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.errors import ConfigError
from emolit.evaluators.categorical import Categorical
from emolit.prompts.direct import Direct
from emolit.tasks.generative import EvaluatedModule
from emolit.types import Sampling
from tests.tasks.toy import WORDS, Table, asked


@pytest.fixture
def task():
    return EvaluatedModule(Table(), Categorical(Taxonomy(WORDS)), Direct(), Sampling())


def test_evaluation_takes_the_most_likely_answer_once_a_clip(task):
    with torch.no_grad():
        task.policy.logits[:, 2] = 0.1
    evaluation = task.evaluate(asked())
    assert evaluation.answers == ("neutral",) * 4
    assert evaluation.responses == ("<answer>neutral</answer>",) * 4


def test_loaders_without_a_corpus_are_refused_in_a_sentence(task):
    task._trainer = SimpleNamespace(datamodule=None)
    with pytest.raises(ConfigError, match="give the trainer a corpus as `datamodule`"):
        task.on_validation_epoch_start()

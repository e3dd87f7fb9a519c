"""What all tasks share: greedy evaluation, the table of what trains, optimizers."""

from functools import partial

import pytest
import torch

from emolit.engine.adapters import Lora
from emolit.evaluators.categorical import Categorical
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.tasks.base import trainable_table
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


def test_the_table_says_what_trains(nano_folder):
    policy = Nano(str(nano_folder), freeze=["audio_tower"])
    policy.build(reference=True, seed=0)
    rows = {line.split()[0]: line.split()[1:] for line in trainable_table(policy).splitlines()}
    assert rows["model.audio_tower"][0] == "0"
    assert rows["model.language_model"][0] == rows["model.language_model"][1] != "0"
    trained = sum(w.numel() for w in policy.parameters() if w.requires_grad)
    assert rows["all"][0] == f"{trained:,}"


def test_the_table_does_not_count_the_reference(nano_folder):
    tables = []
    for syncs in (False, True):
        policy = Nano(str(nano_folder), lora=Lora(rank=2, train=["multi_modal_projector"]))
        if syncs:
            policy.expect_sync()
        policy.build(reference=True, seed=0)
        tables.append(trainable_table(policy))
    assert tables[0] == tables[1]

"""Supervised finetuning imitates the targets."""

from functools import partial

import pytest
import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.evaluators.categorical import Categorical
from emolit.prompts.direct import Direct
from emolit.tasks.sft import SupervisedFinetuning
from tests.tasks.toy import WORDS, Table, asked


@pytest.fixture
def task():
    made = SupervisedFinetuning(
        policy=Table(),
        optimizer=partial(torch.optim.Adam, lr=0.1),
        evaluator=Categorical(Taxonomy(WORDS)),
        prompt=Direct(),
    )
    made.log = lambda *_, **__: None
    return made


def test_the_loss_is_the_cross_entropy_of_the_targets(task):
    with torch.no_grad():
        task.policy.logits.normal_()
    expected = torch.nn.functional.cross_entropy(task.policy.logits, torch.arange(4))
    torch.testing.assert_close(task.training_step(asked(), 0)["loss"], expected)


def test_greedy_answers_become_the_labels(task):
    optimizer = task.configure_optimizers()
    for step in range(30):
        loss = task.training_step(asked(), step)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    evaluation = task.evaluate(asked())
    assert evaluation.answers == tuple(clip.label for clip in asked().clips)
    assert evaluation.rewards == {}

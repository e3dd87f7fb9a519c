"""The default: what a task samples is what its policy samples, to the bit."""

from functools import partial

import pytest
import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.evaluators.categorical import Categorical
from emolit.objectives.grpo import GRPO
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.rewards.correct import Correct
from emolit.rl.groups import clips_of
from emolit.rollouts.eager import Eager
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.types import Sampling
from tests.conftest import OPTIONS

SAMPLING = Sampling(max_tokens=4, top_p=0.9)


@pytest.fixture
def policy(nano_folder):
    made = Nano(str(nano_folder))
    made.build(reference=False, seed=0)
    return made


def test_the_policy_samples(policy, batch):
    few = clips_of(batch, range(2))
    ours = policy.sample(few, 3, SAMPLING, seed=5, step=7)
    drawn = Eager().draw(policy, few, 3, SAMPLING, seed=5, step=7)
    for name in ("tokens", "mask", "behavior", "entropy", "support", "finished"):
        assert torch.equal(getattr(drawn, name), getattr(ours, name)), name
    assert drawn.responses == ours.responses


def test_it_is_the_default_and_keeps_the_prefill_for_the_loss(policy, batch, monkeypatch):
    monkeypatch.setattr(ReinforcementFinetuning, "global_step", 0)
    made = ReinforcementFinetuning(
        policy=policy,
        objective=GRPO(),
        rewards=[Correct()],
        optimizer=partial(torch.optim.SGD, lr=0.1),
        evaluator=Categorical(Taxonomy(OPTIONS)),
        prompt=Direct(),
        sampling=SAMPLING,
    )
    assert type(made.rollouts) is Eager and made.rollouts.max_gap is None
    made.draw(clips_of(batch, range(2)), 2, SAMPLING, seed=0)
    assert policy.scorer._kept is not None

"""All options weighed exactly: real models, the gradient of imitation, what is refused."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.demonstrations.chord import CHORD
from emolit.demonstrations.hpt import HPT
from emolit.demonstrations.luffy import LUFFY
from emolit.errors import ConfigError
from emolit.evaluators.categorical import Categorical
from emolit.objectives.expected_reward import ExpectedReward
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.prompts.reasoning import Reasoning
from emolit.rewards.correct import Correct
from emolit.rewards.vote_match import VoteMatch
from emolit.rl.schedule import CosineFade
from emolit.tasks.enumerated import EnumeratedFinetuning
from tests.conftest import OPTIONS
from tests.tasks.toy import alone


def task(policy, prompt=None, **settings):
    made = EnumeratedFinetuning(
        policy=policy,
        objective=settings.pop("objective", ExpectedReward(0.0)),
        rewards=[Correct()],
        optimizer=partial(torch.optim.Adam, lr=3e-2),
        evaluator=Categorical(Taxonomy(OPTIONS)),
        prompt=prompt or Direct(),
        **settings,
    )
    return alone(made)


@pytest.fixture
def policy(nano_folder):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    return policy


def gradients(policy, loss):
    policy.zero_grad()
    loss.backward()
    return torch.cat([w.grad.flatten() for w in policy.parameters() if w.grad is not None])


def test_the_log_of_a_right_answer_is_the_likelihood_of_its_reply(policy, batch):
    made = task(policy)
    loss = made.training_step(batch, 0)["loss"]
    replies = tuple((f"<answer>{clip.label}</answer>",) for clip in batch.clips)
    told = policy.encode_responses(batch, replies, replace(made.sampling, temperature=1.0))
    by_hand = -policy.logprobs(told).sum() / len(batch)
    assert loss.item() == pytest.approx(by_hand.item(), rel=1e-5)
    torch.testing.assert_close(
        gradients(policy, loss), gradients(policy, by_hand), atol=1e-5, rtol=1e-3
    )


def test_every_option_is_one_response_and_is_read_as_itself(policy, batch):
    rollout = task(policy).enumerate_options(batch)
    assert rollout.answers == (OPTIONS,) * len(batch)
    assert rollout.responses[0] == tuple(f"<answer>{name}</answer>" for name in OPTIONS)


@pytest.mark.parametrize("settings", [{}, {"demonstrations": CHORD(0.5)}])
def test_the_expected_reward_rises_and_curves_are_those_of_the_policy(policy, batch, settings):
    made = task(policy, objective=ExpectedReward(0.5), **settings)
    optimizer = made.configure_optimizers()
    seen = []
    for step in range(50):
        optimizer.zero_grad()
        made.training_step(batch, step)["loss"].backward()
        optimizer.step()
        seen.append(made.logged["train/reward"].item())
    assert seen[0] < 0.05 and seen[-1] > 0.2
    mass = made.logged["train/option_mass"].item()
    assert mass == pytest.approx(sum(made.logged[f"said/{name}"].item() for name in OPTIONS))
    assert made.logged["reward/correct"].item() == pytest.approx(seen[-1], abs=1e-6)


def test_open_questions_and_thoughts_cannot_be_listed(policy, batch):
    with pytest.raises(ConfigError, match="no closed options"):
        task(policy).enumerate_options(replace(batch, options=()))
    with pytest.raises(ConfigError, match="asks for thinking"):
        task(policy, prompt=Reasoning())


@pytest.mark.parametrize("demonstrations", [LUFFY(), HPT()])
def test_gold_cannot_be_compared_with_samples_where_there_are_none(policy, demonstrations):
    with pytest.raises(
        ConfigError, match=f"{type(demonstrations).__name__} compares the gold reply"
    ):
        task(policy, demonstrations=demonstrations)


class Counted(Correct):
    """Counts what it scores, and does not apply to clips that are happy."""

    counted = ("seen",)

    def score(self, clip, response, answer):
        self.counts["seen"] += 1
        return None if clip.label == "happy" else super().score(clip, response, answer)


def test_curves_of_rewards_are_over_the_clips_that_they_apply_to(policy, batch):
    made = task(policy, objective=ExpectedReward())
    made.rewards = torch.nn.ModuleList([Correct(), Counted(CosineFade(2.0, 1.0), name="other")])
    made.training_step(batch, 0)
    rollout = made.enumerate_options(batch)
    said = policy.logprobs(rollout).sum(-1).exp()
    right = said[range(len(batch)), [OPTIONS.index(clip.label) for clip in batch.clips]]
    applies = torch.tensor([clip.label != "happy" for clip in batch.clips])
    assert made.logged["reward/correct"].item() == pytest.approx(right.mean().item(), rel=1e-4)
    by_hand = right[applies].mean().item()
    assert made.logged["reward/other"].item() == pytest.approx(by_hand, rel=1e-4)
    assert made.logged["reward/other_seen"].item() == len(batch) * len(OPTIONS)
    assert made.logged["reward/other_weight"].item() == 2.0


def test_rewards_that_compare_responses_are_refused(policy):
    made = task(policy)
    made.rewards = torch.nn.ModuleList([VoteMatch()])
    made._trainer = SimpleNamespace(precision_plugin=SimpleNamespace(), callbacks=[])
    with pytest.raises(ConfigError, match="'vote_match' compares the responses of a group"):
        made.setup("fit")

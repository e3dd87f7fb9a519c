"""Gold replies beside sampled ones: both losses, one pass, groups that were all wrong."""

from dataclasses import replace

import pytest
import torch

from emolit.advantages import standardized
from emolit.demonstrations.chord import CHORD
from emolit.demonstrations.hpt import HPT
from emolit.demonstrations.luffy import LUFFY
from emolit.policies.nano import Nano
from emolit.rewards.correct import Correct
from emolit.rl.functional import masked_mean
from emolit.tasks.rl_buffered import BufferedReinforcementFinetuning
from emolit.types import Sampling
from tests.tasks import test_rl_buffered
from tests.tasks.test_rl import counted, task
from tests.tasks.toy import asked

__all__ = ["counted"]  # the fixture that gives these tasks a step


def wrong(made):
    """Let the policy say one wrong word about every clip, and be sure of it."""
    with torch.no_grad():
        for clip in range(4):
            made.policy.logits[clip, (clip + 1) % 4] = 30.0
    return made


def gradient(made):
    made.training_step(asked(), 0)["loss"].backward()
    return made.policy.logits.grad.clone()


def test_no_share_is_plain_grpo_and_the_whole_is_imitation():
    plain, none = task(), task(demonstrations=CHORD(share=0.0))
    torch.testing.assert_close(gradient(none), gradient(plain))
    whole = task(demonstrations=CHORD(share=1.0))
    probabilities = whole.policy.logits.detach().softmax(-1)
    by_hand = (probabilities - torch.eye(4)) / 4  # of mean cross-entropy by logits
    torch.testing.assert_close(gradient(whole), by_hand)
    assert whole.logged["train/imitation_share"].item() == 1.0


def test_shares_add_up():
    half = task(demonstrations=CHORD(share=0.5))
    plain, whole = gradient(task()), gradient(task(demonstrations=CHORD(share=1.0)))
    torch.testing.assert_close(gradient(half), (plain + whole) / 2)


@pytest.mark.parametrize("demonstrations", [LUFFY(), HPT(), CHORD()])
def test_groups_that_are_all_wrong_learn_from_gold(demonstrations):
    assert not gradient(wrong(task(rewards=[Correct()]))).any()
    taught = gradient(wrong(task(rewards=[Correct()], demonstrations=demonstrations)))
    assert (taught.diagonal() < 0).all()  # the right word gains


def test_gold_joins_its_group_before_advantages():
    made = wrong(task(rewards=[Correct()], demonstrations=LUFFY()))
    scored = made.training_step(asked(), 0)["scored"]
    by_hand = standardized(torch.tensor([[0.0] * 8 + [1.0]]))
    torch.testing.assert_close(scored.advantages, by_hand[:, :8].expand(4, 8))
    torch.testing.assert_close(scored.gold, by_hand[0, 8].expand(4))
    assert scored.rewards["correct"].shape == scored.total.shape == (4, 8)
    assert made.logged["train/reward"].item() == 0.0  # gold is no success of the policy


def test_flat_groups_are_not_skipped_where_gold_is_learned_from():
    made = wrong(task(rewards=[Correct()], demonstrations=CHORD(), skip_flat_groups=True))
    assert (gradient(made).diagonal() < 0).all()


def test_gold_advantages_last_over_the_updates_of_a_rollout(monkeypatch):
    monkeypatch.setattr(
        BufferedReinforcementFinetuning, "global_step", property(lambda self: self._step)
    )
    made = test_rl_buffered.task(minibatches=2, epochs=1, demonstrations=LUFFY())
    made._step = 0
    first = made.training_step(asked(), 0)
    assert first["scored"].gold.shape == (4,)
    assert "scored" not in made.training_step(asked(), 1)


def test_sampled_and_gold_replies_are_scored_in_one_pass_as_each_alone(nano_folder, batch):
    policy = Nano(str(nano_folder))
    policy.build(reference=False, seed=0)
    made = task(policy=policy, demonstrations=CHORD(), sampling=Sampling(max_tokens=6))
    batch = replace(batch, targets=tuple(f"<answer>{c.label}</answer>" for c in batch.clips))
    made.rollout(batch)  # the first batch checks the network too
    batch = replace(batch)
    passes = []
    handle = policy.base.model.audio_tower.register_forward_hook(lambda *_: passes.append(1))
    rollout = made.rollout(batch)
    logprobs, gold = made.score_update(rollout)
    handle.remove()
    assert len(passes) == 1
    torch.testing.assert_close(logprobs, policy.logprobs(rollout), atol=2e-5, rtol=0)
    told = policy.encode_targets(batch)
    alone = policy.logprobs(told)[:, 0]
    torch.testing.assert_close(gold.logprobs, alone, atol=2e-5, rtol=0)
    assert gold.loss.item() == pytest.approx(-masked_mean(alone, gold.mask).item(), abs=1e-5)

"""KLs that adapt, in the loss and in the reward; the entropy bonus."""

from dataclasses import replace

import pytest
import torch

from emolit.errors import PolicyError
from emolit.objectives.grpo import GRPO
from emolit.rl.entropy import AdaptiveEntropyBonus
from emolit.rl.kl import AdaptiveKL
from tests.tasks.test_rl import counted, moved, steps, task
from tests.tasks.toy import Table

__all__ = ["counted"]  # the fixture that gives these tasks a step


def test_an_adaptive_price_follows_the_kl_wherever_it_hangs():
    for where in ("loss", "reward"):
        kl = AdaptiveKL(0.1, target=1e-3)
        in_loss = {"objective": GRPO(kl=kl)} if where == "loss" else {"reward_kl": kl}
        made = moved(task(**in_loss))
        steps(made, 3)
        assert kl.coefficient == pytest.approx(0.1 * 1.02**3)
        name = "train/kl_coefficient" if where == "loss" else "train/reward_kl_coefficient"
        assert made.logged[name].item() == pytest.approx(kl.coefficient)


def test_an_adaptive_price_is_in_the_checkpoint():
    made = moved(task(objective=GRPO(kl=AdaptiveKL(0.1, target=1e-3)), reward_kl=AdaptiveKL(0.2)))
    steps(made, 3)
    checkpoint = {"state_dict": made.state_dict()}
    made.on_save_checkpoint(checkpoint)
    again = task(objective=GRPO(kl=AdaptiveKL(0.1)), reward_kl=0.3)
    again.on_load_checkpoint(checkpoint)
    assert again.objective.kl.coefficient == made.objective.kl.coefficient != 0.1
    assert again.reward_kl.coefficient == 0.3


def test_an_entropy_bonus_keeps_the_policy_from_being_sure():
    sure, held = task(policy=Uncertain()), task(policy=Uncertain(), entropy=1.0)
    for made in (sure, held):
        steps(made, 40)
    entropies = [
        torch.distributions.Categorical(logits=made.policy.logits).entropy().mean().item()
        for made in (sure, held)
    ]
    assert 2 * entropies[0] < entropies[1]


def test_an_adaptive_bonus_is_logged_and_is_in_the_checkpoint():
    made = task(policy=Uncertain(), entropy=AdaptiveEntropyBonus(0.0, target=9.0, step=0.25))
    steps(made, 3)
    assert made.entropy.coefficient == made.logged["train/entropy_coefficient"].item() == 0.75
    checkpoint = {"state_dict": made.state_dict()}
    made.on_save_checkpoint(checkpoint)
    again = task(policy=Uncertain(), entropy=AdaptiveEntropyBonus(0.0, target=9.0))
    again.on_load_checkpoint(checkpoint)
    assert again.entropy.coefficient == 0.75


def test_a_coefficient_goes_on_over_every_resume():
    """Lightning reads the checkpoint before it asks for the optimizer."""

    def fresh():
        return task(policy=Uncertain(), entropy=AdaptiveEntropyBonus(0.0, target=9.0, step=0.25))

    made = fresh()
    steps(made, 2)
    for wanted in (1.0, 1.5):
        checkpoint = {"state_dict": made.state_dict()}
        made.on_save_checkpoint(checkpoint)
        made = fresh()
        made.on_load_checkpoint(checkpoint)
        steps(made, 2)
        assert made.entropy.coefficient == wanted


def test_a_bonus_that_follows_the_entropy_needs_it():
    made = task(entropy=AdaptiveEntropyBonus())
    with pytest.raises(PolicyError, match="Table does not tell the entropy"):
        steps(made, 1)
    steps(task(entropy=0.1), 1)  # a fixed one does not


class Uncertain(Table):
    """The toy policy, which tells the entropy that it draws with."""

    def sample(self, batch, group_size, sampling, seed, step):
        drawn = super().sample(batch, group_size, sampling, seed, step)
        nats = torch.distributions.Categorical(logits=self.logits.detach()).entropy()
        spread = nats[self.rows(batch)].view(-1, 1, 1).expand(drawn.mask.shape)
        return replace(drawn, entropy=spread)

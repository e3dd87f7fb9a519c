"""KLs that adapt, in the loss and in the reward."""

import pytest

from emolit.objectives.grpo import GRPO
from emolit.rl.kl import AdaptiveKL
from tests.tasks.test_rl import counted, moved, steps, task

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

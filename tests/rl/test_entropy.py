"""The entropy bonus: its gradient is that of the entropy; an adaptive one follows its target."""

import math

import pytest
import torch

from emolit.errors import ConfigError
from emolit.rl.entropy import AdaptiveEntropyBonus, EntropyBonus
from tests.objectives.cases import scored


def drawn(logits, number):
    """Return log-probabilities of draws from a softmax, differentiable, and their rollout."""
    logs = logits.log_softmax(-1)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.multinomial(logs.detach().exp(), number, True, generator=generator)
    logprobs = logs[tokens].view(1, number, 1)
    mask = torch.ones(1, number, 1, dtype=torch.bool)
    return logprobs, scored(logprobs.detach(), mask, torch.zeros(1, number)).rollout


def test_its_gradient_is_that_of_the_entropy():
    logits = torch.tensor([1.0, 0.2, -0.7], dtype=torch.float64, requires_grad=True)
    logs = logits.log_softmax(-1)
    (exact,) = torch.autograd.grad(-(logs.exp() * logs).sum(), logits)
    logprobs, rollout = drawn(logits, 200_000)
    EntropyBonus(0.5)(logprobs, rollout).mean().backward()
    torch.testing.assert_close(logits.grad, 0.5 * exact, atol=2e-3, rtol=0)


def test_draws_of_an_earlier_policy_weigh_by_the_ratio():
    logprobs, rollout = drawn(torch.tensor([1.0, 0.0], dtype=torch.float64), 4)
    plain = EntropyBonus(1.0)(logprobs, rollout)
    later = logprobs + math.log(2.0)
    weighed = EntropyBonus(1.0)(later, rollout)
    torch.testing.assert_close(weighed, 2.0 * plain * (later / logprobs) ** 2)


def test_an_adaptive_bonus_rises_below_its_target_and_falls_to_nothing_above():
    bonus = AdaptiveEntropyBonus(0.01, target=0.5, step=0.005)
    found = []
    for entropy in (0.1, 0.4, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1):
        bonus.adapt(entropy)
        found.append(bonus.coefficient)
    assert found == pytest.approx([0.015, 0.02, 0.015, 0.01, 0.005, 0.0, 0.0, 0.005])


@pytest.mark.parametrize(
    "make",
    [
        lambda: EntropyBonus(-1.0),
        lambda: AdaptiveEntropyBonus(target=0.0),
        lambda: AdaptiveEntropyBonus(step=0.0),
    ],
)
def test_settings_that_make_no_sense_are_refused(make):
    with pytest.raises(ConfigError):
        make()

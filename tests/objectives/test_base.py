"""What every objective keeps: invariants, found by discovery; and the means they are made of."""

from dataclasses import replace

import pytest
import torch

from emolit.objectives import Objective
from emolit.objectives.base import mean_over_responses, mean_over_tokens
from emolit.rl.kl import KL
from tests.objectives.cases import example, gradient, halves, padded, scored, turned
from tests.test_house import plugins

CLASSES = [pytest.param(plugin, id=name) for name, plugin in plugins("objectives")]
every = pytest.mark.parametrize("make", CLASSES)


def priced(make):
    """Return an objective with a KL in the loss, where it has one."""
    return make() if "kl" not in make.__init__.__annotations__ else make(kl=0.1)


def test_an_objective_without_its_methods_cannot_be_made():
    class Half(Objective):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Half()


@every
def test_zero_advantage_gives_zero_surrogate_gradient(make):
    logprobs, given = example()
    level = scored(given.rollout.behavior, given.rollout.mask, torch.zeros_like(given.total))
    assert (gradient(make(), logprobs, level) == 0).all()


@every
def test_on_policy_a_better_response_gains_and_a_worse_one_loses(make):
    logprobs, given = example()
    mask, advantages = given.rollout.mask, given.advantages
    found = gradient(make(), logprobs, scored(logprobs.detach(), mask, advantages))
    assert (found[~mask] == 0).all()
    assert (found.sign() == -advantages.sign().unsqueeze(-1))[mask].all()


@every
def test_padding_and_the_order_of_rows_change_nothing(make):
    logprobs, given = example(spread=2.0)
    objective = priced(make)
    outcome = objective(logprobs, given)
    for other in (padded(logprobs, given), turned(logprobs, given)):
        again = objective(*other)
        torch.testing.assert_close(again.loss, outcome.loss, rtol=1e-12, atol=1e-12)
        for name, value in outcome.stats.items():
            torch.testing.assert_close(again.stats[name], value, rtol=1e-6, atol=1e-12)


@every
def test_two_processes_with_half_the_rows_are_one(make):
    logprobs, given = example(spread=2.0)
    total = given.total.clone()
    total[0, 0] = float("nan")  # so that the halves have different counts of responses too
    given = scored(
        given.rollout.behavior, given.rollout.mask, given.advantages, given.reference, total
    )
    objective = priced(make)
    losses = [objective(*half).loss for half in halves(logprobs, given)]
    whole = objective(logprobs, given).loss
    torch.testing.assert_close(torch.stack(losses).mean(), whole, rtol=1e-12, atol=1e-12)


@every
def test_responses_without_a_score_are_left_out(make):
    logprobs, given = example()
    rollout, rows = given.rollout, slice(None, 2)
    total = given.total.clone()
    total[:, 2] = float("nan")
    advantages = given.advantages.masked_fill(total.isnan(), 0.0)
    left_out = priced(make)(
        logprobs, scored(rollout.behavior, rollout.mask, advantages, given.reference, total)
    )
    alone = priced(make)(
        logprobs[:, rows],
        scored(
            rollout.behavior[:, rows],
            rollout.mask[:, rows],
            advantages[:, rows],
            given.reference[:, rows],
        ),
    )
    torch.testing.assert_close(left_out.loss, alone.loss)


@every
@pytest.mark.parametrize("size", [-1e4, -100.0, 100.0, 1e4])
@pytest.mark.parametrize("advantage", [-1.0, 1.0])
def test_extreme_log_ratios_stay_finite_in_value_and_gradient(make, size, advantage):
    logprobs = torch.tensor([[[size, 0.0, size, float("inf")]]], requires_grad=True)
    mask = torch.tensor([[[True, True, True, False]]])
    zeros = torch.zeros(1, 1, 4)
    outcome = priced(make)(logprobs, scored(zeros, mask, torch.tensor([[advantage]]), zeros))
    outcome.loss.backward()
    assert torch.isfinite(outcome.loss)
    assert torch.isfinite(logprobs.grad).all()


@every
def test_without_a_kl_the_reference_is_not_asked_for_but_the_drift_is_shown(make):
    logprobs, given = example()
    free = make()
    assert not free.needs_reference
    stats = free(logprobs, scored(given.rollout.behavior, given.rollout.mask, given.total)).stats
    assert stats["drift"] > 0
    assert "kl" not in stats


@every
def test_a_kl_in_the_loss_asks_for_the_reference_and_pulls_towards_it(make):
    objective = priced(make)
    if not objective.needs_reference:
        pytest.skip("this objective has its KL in the reward")
    logprobs, given = example()
    level = scored(
        given.rollout.behavior, given.rollout.mask, torch.zeros_like(given.total), given.reference
    )
    found, mask = gradient(objective, logprobs, level), given.rollout.mask
    assert (found.sign() == (logprobs - given.reference).sign())[mask].all()
    twice = gradient(type(objective)(kl=KL(0.2)), logprobs, level)
    torch.testing.assert_close(twice, 2 * found)


def test_means_divide_by_what_is_scored():
    nan = float("nan")
    mask = torch.tensor([[[True, True], [True, False], [True, True]]])
    total = torch.tensor([[1.0, 2.0, nan]])
    given = scored(torch.zeros(1, 3, 2), mask, torch.zeros(1, 3), total=total)
    assert mean_over_responses(torch.tensor([[1.0, 3.0, 100.0]]), given) == 2.0
    values = torch.tensor([[[1.0, 2.0], [6.0, nan], [100.0, 100.0]]])
    assert mean_over_tokens(values, given) == 3.0


WHOLE = {"gspo": "mean", "rloo": "product"}
"""Objectives whose weight, as their ratio, is that of a whole response; tokens weigh elsewhere."""


@pytest.mark.parametrize(("name", "make"), list(plugins("objectives")))
def test_a_cap_bounds_what_the_objective_weighs(name, make):
    """512 tokens off by five hundredths each: products of capped tokens would reach 2^512."""
    if name == "real":
        pytest.skip("this objective refuses weights: test_real.py")
    random = torch.Generator().manual_seed(0)
    shape, cap = (8, 8, 512), 2.0
    off = 0.05 * torch.randn(shape, generator=random, dtype=torch.float64)
    logprobs, mask = torch.full(shape, -1.0, dtype=torch.float64), torch.ones(shape).bool()
    mask[:, 1, 400:] = False
    gains = torch.randn(8, 8, generator=random, dtype=torch.float64)
    plain = scored(logprobs, mask, gains)
    weighed = replace(plain, sampled=logprobs - off, weights=off.exp(), cap=cap)
    inside = torch.where(mask, off, 0.0)
    by_hand = {
        "product": inside.sum(-1, keepdim=True).exp(),
        "mean": (inside.sum(-1) / mask.sum(-1)).exp().unsqueeze(-1),
        "token": off.exp(),
    }[WHOLE.get(name, "token")]
    found, bare = (gradient(make(), logprobs, given) for given in (weighed, plain))
    torch.testing.assert_close(found, bare * by_hand.clamp(max=cap))
    assert (found.abs() <= cap * bare.abs() * (1 + 1e-9)).all()
    counted = by_hand[mask] if by_hand.shape == mask.shape else by_hand
    stats = make()(logprobs, weighed).stats
    torch.testing.assert_close(stats["importance"].double(), counted.clamp(max=cap).mean())
    torch.testing.assert_close(stats["importance_capped"].double(), (counted > cap).double().mean())
    if name == "rloo":
        assert stats["importance_capped"] > 0.1  # as t = 512 and 0.05 a token have it

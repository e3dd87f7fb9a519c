"""GRPO by hand, and its invariants."""

import math

import pytest
import torch

from emolit.objectives.grpo import GRPO
from emolit.types import Batch, Rollout, Sampling, ScoredRollout


def scored(behavior, mask, advantages, reference=None, total=None):
    shape = mask.shape
    batch = Batch((), (), (), (), (), 16_000)
    rollout = Rollout(
        batch,
        torch.zeros(shape, dtype=torch.long),
        mask,
        behavior,
        torch.ones(shape[:2], dtype=torch.bool),
        (),
        Sampling(),
    )
    total = advantages if total is None else total
    return ScoredRollout(rollout, {}, total, advantages, reference)


def example(seed=0, b=3, g=4, t=5):
    torch.manual_seed(seed)
    mask = torch.arange(t) < torch.randint(1, t + 1, (b, g, 1))
    logprobs = (-torch.rand(b, g, t)).requires_grad_()
    behavior = logprobs.detach() + 0.3 * torch.randn(b, g, t)
    reference = logprobs.detach() + 0.3 * torch.randn(b, g, t)
    return logprobs, scored(behavior, mask, torch.randn(b, g), reference)


def test_the_loss_equals_a_derivation_by_hand():
    # Response 1: two tokens, A = 1, ratios 0.5 / 0.25 = 2 -> clipped to 1.2, and 1.
    #   Against the reference 0.5: token 1 has p = q, k3 = 0; token 2 has q/p = 2, k3 = 1 - ln 2.
    #   mean = ( (1.2 - 0) + (1 - 0.1 (1 - ln 2)) ) / 2
    # Response 2: one token, A = -1, ratio 2: min(-2, -1.2) = -2, unclipped; k3 = 0.
    log = math.log
    logprobs = torch.tensor([[[log(0.5), log(0.25)], [log(0.5), 0.0]]])
    behavior = torch.tensor([[[log(0.25), log(0.25)], [log(0.25), 0.0]]])
    reference = torch.tensor([[[log(0.5), log(0.5)], [log(0.5), 0.0]]])
    mask = torch.tensor([[[True, True], [True, False]]])
    outcome = GRPO(clip=0.2, kl=0.1)(
        logprobs, scored(behavior, mask, torch.tensor([[1.0, -1.0]]), reference)
    )
    first = (1.2 + 1 - 0.1 * (1 - log(2))) / 2
    assert outcome.loss.item() == pytest.approx(-(first - 2) / 2, abs=1e-6)
    assert outcome.stats["kl"].item() == pytest.approx((1 - log(2)) / 3, abs=1e-6)
    assert outcome.stats["clipped"].item() == pytest.approx(2 / 3)


def test_zero_advantage_gives_zero_surrogate_gradient():
    logprobs, given = example()
    flat = scored(given.rollout.behavior, given.rollout.mask, torch.zeros(3, 4))
    GRPO(kl=0.0)(logprobs, flat).loss.backward()
    assert (logprobs.grad == 0).all()


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask, advantages = given.rollout.mask, given.advantages
    GRPO(kl=0.0)(logprobs, scored(logprobs.detach(), mask, advantages)).loss.backward()
    per_token = advantages.unsqueeze(-1) / mask.sum(-1, keepdim=True) / 12
    torch.testing.assert_close(logprobs.grad, torch.where(mask, -per_token, 0.0))


def test_padding_group_order_and_batch_split_change_nothing():
    logprobs, given = example()
    rollout = given.rollout
    loss = GRPO()(logprobs, given).loss
    longer = [torch.cat([x, torch.full((3, 4, 2), float("nan"))], -1) for x in
              (logprobs, rollout.behavior, given.reference)]  # fmt: skip
    padded_mask = torch.cat([rollout.mask, torch.zeros(3, 4, 2, dtype=torch.bool)], -1)
    padded = scored(longer[1], padded_mask, given.advantages, longer[2])
    torch.testing.assert_close(GRPO()(longer[0], padded).loss, loss)
    turned = scored(
        rollout.behavior.flip(1),
        rollout.mask.flip(1),
        given.advantages.flip(1),
        given.reference.flip(1),
    )
    torch.testing.assert_close(GRPO()(logprobs.flip(1), turned).loss, loss)
    parts = [
        GRPO()(
            logprobs[i : i + 1],
            scored(
                rollout.behavior[i : i + 1],
                rollout.mask[i : i + 1],
                given.advantages[i : i + 1],
                given.reference[i : i + 1],
            ),
        ).loss
        for i in range(3)
    ]
    torch.testing.assert_close(torch.stack(parts).mean(), loss)


@pytest.mark.parametrize("size", [-1e4, -100.0, 100.0, 1e4])
@pytest.mark.parametrize("advantage", [-1.0, 1.0])
def test_extreme_log_ratios_stay_finite_in_value_and_gradient(size, advantage):
    logprobs = torch.tensor([[[size, 0.0, float("inf")]]], requires_grad=True)
    mask = torch.tensor([[[True, True, False]]])
    zeros = torch.zeros(1, 1, 3)
    given = scored(zeros, mask, torch.tensor([[advantage]]), zeros)
    loss = GRPO()(logprobs, given).loss
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logprobs.grad).all()


def test_responses_without_a_score_are_left_out_of_the_mean():
    logprobs, given = example()
    rollout, nan = given.rollout, float("nan")
    total = torch.tensor([[1.0, 0.0, nan, nan]]).expand(3, 4)
    left_out = GRPO(kl=0.0)(
        logprobs, scored(rollout.behavior, rollout.mask, given.advantages, total=total)
    ).loss
    alone = GRPO(kl=0.0)(
        logprobs[:, :2],
        scored(rollout.behavior[:, :2], rollout.mask[:, :2], given.advantages[:, :2]),
    ).loss
    torch.testing.assert_close(left_out, alone)


def test_without_kl_the_reference_is_not_asked_for():
    assert not GRPO(kl=0.0).needs_reference
    assert GRPO(kl=0.1).needs_reference

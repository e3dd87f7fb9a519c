"""GRPO by hand; its invariants are in test_base.py."""

import math

import pytest
import torch

from emolit.objectives.grpo import GRPO
from emolit.rl.functional import k3
from tests.objectives.cases import example, gradient, on_policy, scored


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


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask = given.rollout.mask
    now = scored(logprobs.detach(), mask, given.advantages)
    weight = 1 / mask.sum(-1, keepdim=True) / 12
    torch.testing.assert_close(gradient(GRPO(), logprobs, now), on_policy(weight, now))


def test_a_number_is_a_plain_kl():
    assert not GRPO(kl=0.0).needs_reference
    assert GRPO(kl=0.1).kl.coefficient == 0.1
    assert GRPO(kl=0.1).kl.estimator is k3

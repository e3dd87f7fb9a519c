"""CISPO by hand; its invariants are in test_base.py."""

import math

import pytest
import torch

from emolit.objectives.cispo import CISPO
from tests.objectives.cases import example, gradient, on_policy, scored

# Response 1: two tokens, ratios 2 and 1, A = 1. Response 2: one token, ratio 2, A = -1.
# Response 3: one token, ratio 0.5, A = 1.
LOGS = torch.tensor([[[0.5, 0.25], [0.5, 1.0], [0.25, 1.0]]], dtype=torch.float64).log()
BEHAVIOR = torch.tensor([[[0.25, 0.25], [0.25, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
MASK = torch.tensor([[[True, True], [True, False], [True, False]]])
GIVEN = scored(BEHAVIOR, MASK, torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64))


def test_the_loss_equals_a_derivation_by_hand():
    # Weights 2 -> 1.5, 1; 2 -> 1.5; 0.5. Each times A times the log-probability, over 4 tokens.
    outcome = CISPO(cap=1.5)(LOGS, GIVEN)
    half, quarter = math.log(0.5), math.log(0.25)
    by_hand = -(1.5 * half + quarter - 1.5 * half + 0.5 * quarter) / 4
    assert outcome.loss.item() == pytest.approx(by_hand, abs=1e-12)
    assert outcome.stats["clipped"].item() == pytest.approx(2 / 4)


def test_a_token_beyond_the_cap_keeps_its_gradient():
    found = gradient(CISPO(cap=1.5), LOGS, GIVEN)
    torch.testing.assert_close(found[MASK], -torch.tensor([1.5, 1.0, -1.5, 0.5]).double() / 4)


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask = given.rollout.mask
    now = scored(logprobs.detach(), mask, given.advantages)
    weight = torch.tensor(1.0) / mask.sum()
    torch.testing.assert_close(gradient(CISPO(), logprobs, now), on_policy(weight, now))

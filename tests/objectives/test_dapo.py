"""DAPO by hand; its invariants are in test_base.py."""

import pytest
import torch

from emolit.objectives.dapo import DAPO
from tests.objectives.cases import example, gradient, on_policy, scored

# Response 1: two tokens, ratios 2 and 1, A = 1. Response 2: one token, ratio 2, A = -1.
# Response 3: one token, ratio 0.5, A = 1.
LOGS = torch.tensor([[[0.5, 0.25], [0.5, 1.0], [0.25, 1.0]]], dtype=torch.float64).log()
BEHAVIOR = torch.tensor([[[0.25, 0.25], [0.25, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
MASK = torch.tensor([[[True, True], [True, False], [True, False]]])
GIVEN = scored(BEHAVIOR, MASK, torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64))


def test_the_loss_equals_a_derivation_by_hand():
    # Ratio 2 is clipped to 1.28 where A = 1 and to nothing where A = -1; all four tokens weigh
    # the same.
    outcome = DAPO(clip_low=0.2, clip_high=0.28)(LOGS, GIVEN)
    assert outcome.loss.item() == pytest.approx(-(1.28 + 1 - 2 + 0.5) / 4, abs=1e-12)
    assert outcome.stats["clipped"].item() == pytest.approx(3 / 4)


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask = given.rollout.mask
    now = scored(logprobs.detach(), mask, given.advantages)
    weight = torch.tensor(1.0) / mask.sum()
    torch.testing.assert_close(gradient(DAPO(), logprobs, now), on_policy(weight, now))


def test_the_bounds_are_apart():
    ratio = torch.tensor([[[1.25, 0.75]]], dtype=torch.float64)
    mask = torch.tensor([[[True, True]]])
    wide = scored(torch.zeros(1, 1, 2), mask, torch.ones(1, 1))
    gained, _ = gradient(DAPO(), ratio.log(), wide).flatten().tolist()
    assert gained < 0  # 1.25 is inside of 1.28
    assert gradient(DAPO(clip_high=0.2), ratio.log(), wide)[0, 0, 0] == 0
    worse = scored(torch.zeros(1, 1, 2), mask, -torch.ones(1, 1))
    assert gradient(DAPO(), ratio.log(), worse)[0, 0, 1] == 0  # 0.75 is below 0.8

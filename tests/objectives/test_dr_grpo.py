"""Dr. GRPO by hand; its invariants are in test_base.py."""

import pytest
import torch

from emolit.objectives.dr_grpo import DrGRPO
from tests.objectives.cases import LONGEST, example, gradient, on_policy, scored

# Response 1: two tokens, ratios 2 and 1, A = 1. Response 2: one token, ratio 2, A = -1.
# Response 3: one token, ratio 0.5, A = 1.
LOGS = torch.tensor([[[0.5, 0.25], [0.5, 1.0], [0.25, 1.0]]], dtype=torch.float64).log()
BEHAVIOR = torch.tensor([[[0.25, 0.25], [0.25, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
MASK = torch.tensor([[[True, True], [True, False], [True, False]]])
GIVEN = scored(BEHAVIOR, MASK, torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64))


def test_the_loss_equals_a_derivation_by_hand():
    # Sums over tokens: 1.2 + 1, -2, 0.5; over three responses and 7 tokens, the longest allowed.
    outcome = DrGRPO(clip=0.2)(LOGS, GIVEN)
    assert outcome.loss.item() == pytest.approx(-(2.2 - 2 + 0.5) / 3 / LONGEST, abs=1e-12)
    assert outcome.stats["clipped"].item() == pytest.approx(3 / 4)


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask = given.rollout.mask
    now = scored(logprobs.detach(), mask, given.advantages)
    weight = torch.tensor(1 / 12 / LONGEST)
    torch.testing.assert_close(gradient(DrGRPO(), logprobs, now), on_policy(weight, now))


def test_tokens_of_long_and_short_responses_weigh_the_same():
    logprobs, given = example()
    now = scored(logprobs.detach(), given.rollout.mask, torch.ones_like(given.total))
    assert len(gradient(DrGRPO(), logprobs, now)[given.rollout.mask].unique()) == 1

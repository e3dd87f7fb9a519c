"""BNPO by hand; its invariants are in test_base.py."""

import pytest
import torch

from emolit.objectives.bnpo import BNPO
from tests.objectives.cases import example, gradient, on_policy, scored

# Response 1: two tokens, ratios 2 and 1, A = 1. Response 2: one token, ratio 2, A = -1.
# Response 3: one token, ratio 0.5, A = 1.
LOGS = torch.tensor([[[0.5, 0.25], [0.5, 1.0], [0.25, 1.0]]], dtype=torch.float64).log()
BEHAVIOR = torch.tensor([[[0.25, 0.25], [0.25, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
MASK = torch.tensor([[[True, True], [True, False], [True, False]]])
GIVEN = scored(BEHAVIOR, MASK, torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64))


def test_the_loss_equals_a_derivation_by_hand():
    # Four tokens: 1.2 (clipped), 1, -2, 0.5.
    outcome = BNPO(clip=0.2)(LOGS, GIVEN)
    assert outcome.loss.item() == pytest.approx(-(1.2 + 1 - 2 + 0.5) / 4, abs=1e-12)
    assert outcome.stats["clipped"].item() == pytest.approx(3 / 4)


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask = given.rollout.mask
    now = scored(logprobs.detach(), mask, given.advantages)
    weight = torch.tensor(1.0) / mask.sum()
    torch.testing.assert_close(gradient(BNPO(), logprobs, now), on_policy(weight, now))


def test_beside_the_papers_sum_over_tokens_only_the_scale_differs():
    logprobs, given = example()
    mask, advantages = given.rollout.mask, given.advantages
    leaf = logprobs.detach().clone().requires_grad_()
    (-advantages * leaf.masked_fill(~mask, 0.0).sum(-1)).mean().backward()
    found = gradient(BNPO(), logprobs, scored(logprobs.detach(), mask, advantages))
    torch.testing.assert_close(found * mask.sum() / 12, leaf.grad)

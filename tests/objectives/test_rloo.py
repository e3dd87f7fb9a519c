"""RLOO by hand; its invariants are in test_base.py."""

from dataclasses import replace

import pytest
import torch

from emolit.advantages import leave_one_out
from emolit.objectives.rloo import RLOO
from tests.objectives.cases import example, gradient, on_policy, scored

# Response 1: two tokens, ratios 2 and 1, A = 1. Response 2: one token, ratio 2, A = -1.
# Response 3: one token, ratio 0.5, A = 1.
LOGS = torch.tensor([[[0.5, 0.25], [0.5, 1.0], [0.25, 1.0]]], dtype=torch.float64).log()
BEHAVIOR = torch.tensor([[[0.25, 0.25], [0.25, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
MASK = torch.tensor([[[True, True], [True, False], [True, False]]])
GIVEN = scored(BEHAVIOR, MASK, torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64))


def test_the_loss_equals_a_derivation_by_hand():
    # Ratios of responses: 2 * 1 = 2, clipped to 1.2 where A = 1; 2 where A = -1; 0.5.
    outcome = RLOO(clip=0.2)(LOGS, GIVEN)
    assert outcome.loss.item() == pytest.approx(-(1.2 - 2 + 0.5) / 3, abs=1e-12)
    assert outcome.stats["clipped"].item() == 1.0


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask = given.rollout.mask
    now = scored(logprobs.detach(), mask, given.advantages)
    weight = torch.tensor(1 / 12)
    torch.testing.assert_close(gradient(RLOO(), logprobs, now), on_policy(weight, now))


def test_on_policy_it_is_reinforce_with_the_leave_one_out_baseline():
    """Against autograd on the paper's estimator, the mean of A log p(o)."""
    logprobs, given = example()
    mask, rewards = given.rollout.mask, given.total
    others = (rewards.sum(1, keepdim=True) - rewards) / 2
    leaf = logprobs.detach().clone().requires_grad_()
    (-(rewards - others) * leaf.masked_fill(~mask, 0.0).sum(-1)).mean().backward()
    now = scored(logprobs.detach(), mask, leave_one_out(rewards))
    torch.testing.assert_close(gradient(RLOO(), logprobs, now), leaf.grad)


def test_a_response_is_weighed_by_the_product_of_its_tokens():
    assert RLOO().importance(GIVEN) is None
    weights = torch.tensor([[[2.0, 8.0], [0.25, 9.0], [1.0, 0.0]]])  # the last of two are masked
    found = RLOO().importance(replace(GIVEN, weights=weights))
    torch.testing.assert_close(found, torch.tensor([[[16.0], [0.25], [1.0]]]))

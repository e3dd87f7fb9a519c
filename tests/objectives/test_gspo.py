"""GSPO by hand; its invariants are in test_base.py."""

import math
from dataclasses import replace

import pytest
import torch

from emolit.objectives.gspo import GSPO
from tests.objectives.cases import example, gradient, on_policy, scored

# Response 1: two tokens, ratios 2 and 1, A = 1. Response 2: one token, ratio 2, A = -1.
# Response 3: one token, ratio 0.5, A = 1.
LOGS = torch.tensor([[[0.5, 0.25], [0.5, 1.0], [0.25, 1.0]]], dtype=torch.float64).log()
BEHAVIOR = torch.tensor([[[0.25, 0.25], [0.25, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
MASK = torch.tensor([[[True, True], [True, False], [True, False]]])
GIVEN = scored(BEHAVIOR, MASK, torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64))


def test_the_loss_equals_a_derivation_by_hand():
    # Ratios of responses: (2 * 1)^(1/2), 2, 0.5.
    #   A = 1: 1.41 is clipped to 1.3; A = -1: 2 is not clipped; A = 1: 0.5 is not.
    outcome = GSPO(sequence_clip_low=0.2, sequence_clip_high=0.3)(LOGS, GIVEN)
    assert outcome.loss.item() == pytest.approx(-(1.3 - 2 + 0.5) / 3, abs=1e-12)
    assert outcome.stats["clipped"].item() == 1.0
    unclipped = GSPO(sequence_clip_low=1.0, sequence_clip_high=9.0)(LOGS, GIVEN)
    assert unclipped.loss.item() == pytest.approx(-(math.sqrt(2) - 2 + 0.5) / 3, abs=1e-12)


def test_all_tokens_of_a_response_get_the_same_gradient():
    logprobs, given = example()
    found = gradient(GSPO(9.0, 9.0), logprobs, given)
    for row, mask in zip(found.flatten(0, 1), given.rollout.mask.flatten(0, 1), strict=True):
        torch.testing.assert_close(row[mask], row[0].expand(int(mask.sum())))


def test_at_ratio_one_the_gradient_is_the_policy_gradient():
    logprobs, given = example()
    mask = given.rollout.mask
    now = scored(logprobs.detach(), mask, given.advantages)
    weight = 1 / mask.sum(-1, keepdim=True) / 12
    torch.testing.assert_close(gradient(GSPO(), logprobs, now), on_policy(weight, now))


def test_a_response_is_weighed_by_the_geometric_mean_of_its_tokens():
    assert GSPO().importance(GIVEN) is None
    weights = torch.tensor([[[2.0, 8.0], [0.25, 9.0], [1.0, 0.0]]])  # the last of two are masked
    found = GSPO().importance(replace(GIVEN, weights=weights))
    torch.testing.assert_close(found, torch.tensor([[[4.0], [0.25], [1.0]]]))

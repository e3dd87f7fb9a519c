"""REAL by hand; its invariants are in test_base.py."""

import math
from dataclasses import replace

import pytest
import torch

from emolit.errors import ConfigError
from emolit.objectives.real import REAL
from tests.objectives.cases import gradient, scored

# One group: mean log-ratios log 2 (of log 4 and 0), -log 2, 0; better, worse, and level.
LOGS = torch.tensor([[[0.8, 0.5], [0.25, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
BEHAVIOR = torch.tensor([[[0.2, 0.5], [0.5, 1.0], [0.5, 1.0]]], dtype=torch.float64).log()
MASK = torch.tensor([[[True, True], [True, False], [True, False]]])
GIVEN = scored(BEHAVIOR, MASK, torch.tensor([[2.0, -1.0, 0.0]], dtype=torch.float64))


def test_the_loss_equals_a_derivation_by_hand():
    # tau 1: log(1 + exp(-log 2)) + log(1 + exp(-log 2)) = 2 log 1.5
    assert REAL(tau=1.0)(LOGS, GIVEN).loss.item() == pytest.approx(2 * math.log(1.5), abs=1e-12)


def test_at_ratio_one_responses_of_a_side_share_a_bounded_gradient():
    advantages = torch.tensor([[5.0, 0.1, -3.0]], dtype=torch.float64)
    found = gradient(REAL(tau=0.5), BEHAVIOR, scored(BEHAVIOR, MASK, advantages))
    # 1 / (tau (1 + n)) each: 2 / 3 for two that are better, over their tokens; 1 for one worse
    assert found[MASK].tolist() == pytest.approx([-1 / 3, -1 / 3, -2 / 3, 1.0])


def test_an_importance_cap_that_would_do_nothing_is_refused():
    with pytest.raises(ConfigError, match="`importance_cap` would do nothing"):
        REAL()(LOGS, replace(GIVEN, weights=torch.ones_like(LOGS)))


def test_no_temperature_is_refused():
    with pytest.raises(ConfigError, match="must be above 0"):
        REAL(tau=0.0)

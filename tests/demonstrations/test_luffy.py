"""LUFFY by hand."""

import pytest
import torch

from emolit.demonstrations.luffy import LUFFY
from emolit.errors import ConfigError
from tests.demonstrations.cases import P, gold, rollout

GIVEN = rollout(torch.zeros(2, 3, dtype=torch.float64), torch.tensor([1.5, -0.5]).double())


def test_the_gold_reply_counts_as_one_of_its_group():
    outcome = LUFFY().combine(torch.tensor(2.0), gold(), GIVEN)
    first, second = (0.5 / 0.6 + 0.25 / 0.35) / 2, 0.8 / 0.9
    learned = (1.5 * first - 0.5 * second) / 2
    assert outcome.loss.item() == pytest.approx((3 * 2 - learned) / 4, abs=1e-12)
    assert outcome.stats["gold_advantage"].item() == pytest.approx(0.5)


def test_an_unlikely_token_learns_more_than_by_its_plain_ratio():
    """The gradient by log p is p in the plain ratio, and p shaping / (p + shaping)^2 here."""
    logs = P.log().requires_grad_()
    LUFFY(shaping=0.1).combine(torch.tensor(2.0), gold(logs), GIVEN).loss.backward()
    by_hand = [-0.1 * p / (p + 0.1) ** 2 * 1.5 / 2 / 2 / 4 for p in (0.5, 0.25)]
    assert logs.grad[0].tolist() == pytest.approx(by_hand)
    assert logs.grad[0, 1].abs() > logs.grad[0, 0].abs()


def test_no_shaping_is_refused():
    with pytest.raises(ConfigError, match="must be above 0"):
        LUFFY(shaping=0.0)

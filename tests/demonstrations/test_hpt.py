"""HPT by hand."""

import math

import pytest
import torch

from emolit.demonstrations.hpt import HPT
from emolit.errors import ConfigError
from tests.demonstrations.cases import gold, rollout

NAN = float("nan")
TOTAL = torch.tensor([[0.5, 0.0, NAN], [1.0, 0.7 + 0.2 + 0.1, 0.0]], dtype=torch.float64)
SECOND = -math.log(0.8)
FIRST = -(math.log(0.5) + math.log(0.25)) / 2


def test_a_group_that_fails_learns_from_gold_alone():
    given = rollout(TOTAL)
    kept = HPT().select(given).advantages
    assert not kept[0].any() and torch.equal(kept[1], TOTAL[1])
    outcome = HPT(weight=2.0).combine(torch.tensor(3.0), gold(), given)
    assert outcome.loss.item() == pytest.approx(3 + 2 * FIRST / 2, abs=1e-12)
    assert outcome.stats["imitation_share"].item() == 0.5


@pytest.mark.parametrize(
    ("settings", "failed"),
    [({"gate": 1}, [True, False]), ({"gate": 2}, [True, True]), ({"success": 0.5}, [False, False])],
)
def test_what_succeeds_and_how_often_are_settings(settings, failed):
    assert HPT(**settings).fails(rollout(TOTAL)).tolist() == failed


def test_a_total_that_rounding_keeps_below_the_threshold_succeeds():
    near = torch.tensor([[0.6 + 0.3 + 0.1, 0.0, 0.0]] * 2, dtype=torch.float64)
    assert near[0, 0] < 1.0
    assert not HPT().fails(rollout(near)).any()


@pytest.mark.parametrize("settings", [{"gate": -1}, {"weight": 0.0}])
def test_settings_that_would_do_nothing_are_refused(settings):
    with pytest.raises(ConfigError, match="HPT has gate"):
        HPT(**settings)

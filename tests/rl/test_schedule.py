"""Schedules: values by hand, ends that hold, and refusals."""

import math

import pytest

from emolit.errors import ConfigError
from emolit.rl.schedule import CosineFade, LinearFade


@pytest.mark.parametrize("schedule", [LinearFade, CosineFade])
def test_it_stands_still_before_and_after(schedule):
    made = schedule(start=3.0, end=-1.0, begin=0.25, until=0.75)
    assert [made.at(share) for share in (0.0, 0.25, 0.75, 1.0)] == [3.0, 3.0, -1.0, -1.0]
    assert made.at(0.5) == pytest.approx(1.0)  # both are half way in the middle


def test_values_by_hand():
    assert LinearFade(start=0.0, end=2.0).at(0.75) == 1.5
    assert CosineFade().at(1 / 3) == pytest.approx((1 + math.cos(math.pi / 3)) / 2)  # 3/4
    assert CosineFade().at(1 / 3) == pytest.approx(0.75)


@pytest.mark.parametrize(("begin", "until"), [(0.5, 0.5), (0.6, 0.2), (-0.1, 1.0), (0.0, 1.1)])
def test_shares_out_of_order_are_refused(begin, until):
    with pytest.raises(ConfigError, match="0 <= begin < until <= 1"):
        LinearFade(begin=begin, until=until)

"""What every engine promises: a bound on the gap, and a sentence where it is passed."""

import math

import pytest

from emolit.errors import RolloutError
from emolit.rollouts.eager import Eager


class Bounded(Eager):
    max_gap = 0.1


@pytest.mark.parametrize("gap", [0.0, 0.1])
def test_a_gap_within_the_bound_passes(gap):
    Bounded().check_gap(gap)


@pytest.mark.parametrize("gap", [0.11, math.inf, math.nan])
def test_a_gap_beyond_it_stops_the_run(gap):
    with pytest.raises(RolloutError, match=r"differ by \S+ nats.*max_gap` is 0.1. .*`Bounded`"):
        Bounded().check_gap(gap)


def test_without_a_bound_any_gap_passes():
    Eager().check_gap(math.nan)

from collections import Counter

import pytest

from emolit.data.folds import FOLDS, in_folds

UNITS = [f"video_{number:04d}" for number in range(59)]


def test_every_unit_is_tested_once_and_never_trained_on_then():
    folds = [in_folds(UNITS, fold) for fold in range(1, FOLDS + 1)]
    for unit in UNITS:
        assert [found[unit] for found in folds].count("test") == 1
    for found in folds:
        sizes = Counter(found.values())
        assert found.keys() == set(UNITS)
        assert 11 <= sizes["test"] <= 12 and 5 <= sizes["val"] <= 6


@pytest.mark.parametrize("size", [3, 4, 5, 16, 357])
def test_small_sets_have_parts_that_do_not_overlap(size):
    found = in_folds([str(number) for number in range(size)], 1)
    assert {"train", "val", "test"} == set(found.values())


def test_order_and_repetition_do_not_matter():
    assert in_folds(reversed([*UNITS, *UNITS]), 2) == in_folds(UNITS, 2)

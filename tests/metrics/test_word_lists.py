"""Lengths, known words and exact matches, counted by hand."""

import pytest

from emolit.metrics.word_lists import WordLists
from tests.lexicons import Toy


def test_numbers_by_hand():
    metric = WordLists(Toy())
    metric.update([["Sad", "sad", "xyzzy"], []], [["sad"], ["happy", "joyful"]])
    metric.update([["happy"], None], [[], []])
    found = {name: float(value) for name, value in metric.compute().items()}
    assert found == {
        "length": 1.0,
        "gold_length": 0.75,
        "parse_rate": 0.75,
        "known": pytest.approx(2 / 3),
        "gold_known": 1.0,
        "exact_F1": pytest.approx(2 * 0.25 * 0.5 / 0.75),
    }


def test_without_words_there_is_nothing_to_divide_by():
    metric = WordLists(Toy())
    metric.update([[]], [[]])
    found = metric.compute()
    assert float(found["length"]) == 0.0
    assert found["known"].isnan() and found["exact_F1"].isnan()

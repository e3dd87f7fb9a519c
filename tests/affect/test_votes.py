"""Votes: what most raters chose, and labels that become one."""

import pytest

from emolit.affect.votes import NO_AGREEMENT, majority, merge_votes


@pytest.mark.parametrize(
    ("votes", "label"),
    [
        ({"sad": 1}, "sad"),
        ({"sad": 3, "angry": 4, "fear": 2}, "angry"),
        ({"sad": 3, "angry": 3, "fear": 2}, NO_AGREEMENT),
        ({}, NO_AGREEMENT),
    ],
)
def test_the_majority_is_the_one_most_frequent_label(votes, label):
    assert majority(votes) == label


def test_merging_keeps_the_number_of_votes_and_follows_no_chains():
    votes = {"calm": 2, "neutral": 1, "sad": 4}
    assert merge_votes(votes, {"calm": "neutral", "neutral": "sad"}) == {"neutral": 2, "sad": 5}
    assert merge_votes(votes, {}) == votes

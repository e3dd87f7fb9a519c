"""The reward for agreeing with raters."""

import pytest

from emolit.rewards.vote_share import VoteShare
from emolit.types import Clip

VOTES = {"sad": 5, "neutral": 3, "angry": 2}


@pytest.mark.parametrize(
    ("votes", "answer", "worth"),
    [
        (VOTES, "sad", 0.5), (VOTES, "angry", 0.2), (VOTES, "happy", 0.0), (VOTES, None, 0.0),
        (VOTES, ("sad",), 0.0), ({}, "sad", None), ({"sad": 0}, "sad", None),
    ],
)  # fmt: skip
def test_an_answer_is_worth_the_share_that_gave_it(votes, answer, worth):
    clip = Clip(id="a", corpus="toy", path="a.wav", label="sad", votes=votes)
    assert VoteShare().score(clip, "ignored", answer) == worth


def test_it_is_the_chance_to_agree_with_a_rater_drawn_at_random():
    clip = Clip(id="a", corpus="toy", path="a.wav", votes=VOTES)
    drawn = [name for name, count in VOTES.items() for _ in range(count)]
    for answer in VOTES:
        agreed = sum(rater == answer for rater in drawn) / len(drawn)
        assert VoteShare().score(clip, "", answer) == pytest.approx(agreed)

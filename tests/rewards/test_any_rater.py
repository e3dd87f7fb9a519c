"""The reward for an answer that some rater gave."""

import pytest

from emolit.errors import ConfigError
from emolit.rewards.any_rater import AnyRater
from emolit.types import Clip

VOTES = {"sad": 6, "neutral": 3, "angry": 1}


@pytest.mark.parametrize(
    ("least", "votes", "answer", "worth"),
    [
        (0.0, VOTES, "angry", 1.0), (0.3, VOTES, "neutral", 1.0), (0.31, VOTES, "neutral", 0.0),
        (0.0, VOTES, "happy", 0.0), (0.0, VOTES, None, 0.0), (0.0, {}, "sad", None),
        (0.0, {"sad": 0, "angry": 2}, "sad", 0.0),
    ],
)  # fmt: skip
def test_an_answer_is_right_if_enough_raters_gave_it(least, votes, answer, worth):
    clip = Clip(id="a", corpus="toy", path="a.wav", votes=votes)
    assert AnyRater(least).score(clip, "ignored", answer) == worth


def test_a_share_beyond_one_is_refused():
    with pytest.raises(ConfigError, match="it is a share"):
        AnyRater(least=2)

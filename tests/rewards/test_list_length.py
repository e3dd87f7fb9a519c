"""The reward against long lists: a table of answers and worths."""

import pytest

from emolit.errors import ConfigError
from emolit.rewards.list_length import ListLength
from emolit.types import Clip

CLIP = Clip(id="a", corpus="toy", path="a.wav")
TEN = tuple("abcdefghij")


@pytest.mark.parametrize(
    ("free", "fade", "answer", "worth"),
    [
        (8, 1, TEN[:8], 0.0),
        (8, 1, TEN[:9], -1.0),
        (8, 1, TEN, -1.0),
        (4, 4, TEN[:5], -0.25),
        (4, 4, TEN, -1.0),
        (2, 1, ("sad", "Sad", " sad "), 0.0),
        (1, 1, (), 0.0),
        (1, 1, None, 0.0),
        (1, 1, "a sad, tired, low voice", None),
    ],
)
def test_words_beyond_the_free_ones_cost(free, fade, answer, worth):
    assert ListLength(free, fade).score(CLIP, "", answer) == worth


GOLD = Clip(id="a", corpus="toy", path="a.wav", label="x", words=("sad", "Sad", "hurt"))


@pytest.mark.parametrize(
    ("slack", "clip", "answer", "worth"),
    [
        (1, GOLD, TEN[:3], 0.0),
        (1, GOLD, TEN[:4], -0.5),
        (0, GOLD, TEN, -4.0),
        (1, GOLD, (), 0.0),
        (1, GOLD, None, 0.0),
        (0, Clip(id="a", corpus="toy", path="a.wav", label="sad"), TEN[:3], -2.0),
        (1, CLIP, TEN, None),
        (1, GOLD, "sad, low, hurt, lost", None),
    ],
)
def test_words_beyond_gold_and_slack_cost_by_the_gold_words(slack, clip, answer, worth):
    assert ListLength(slack=slack).score(clip, "", answer) == worth


@pytest.mark.parametrize("settings", [{"free_words": 0}, {"fade_words": 0}])
def test_numbers_below_one_are_refused(settings):
    with pytest.raises(ConfigError, match="at least 1"):
        ListLength(**settings)

"""The reward against repetition: a table of responses and worths, counted by hand."""

import pytest

from emolit.errors import ConfigError
from emolit.rewards.repetition import Repetition
from emolit.types import Clip

CLIP = Clip(id="a", corpus="toy", path="a.wav")


@pytest.mark.parametrize(
    ("n", "response", "worth"),
    [
        (3, "", 0.0),
        (3, "so sad", 0.0),
        (3, "a b c d", 0.0),
        (2, "low low low low", -2 / 3),  # three bigrams, one distinct
        (2, "Low, LOW!", 0.0),
        (1, "<think>low</think><answer>low</answer>", -0.5),
        (1, "<think>low</think><answer>sad</answer>", 0.0),
        (2, "很难过很难过", -2 / 5),  # 很难 难过 过很 很难 难过
        (3, "a b c " * 100, -(298 - 3) / 298),
    ],
)
def test_the_share_of_what_stood_before(n, response, worth):
    assert Repetition(n).score(CLIP, response, None) == pytest.approx(worth)


def test_an_n_gram_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        Repetition(0)

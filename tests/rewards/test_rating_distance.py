"""The nearer to the raters, the better, on their own scale."""

import pytest

from emolit.rewards.rating_distance import RatingDistance
from emolit.types import Clip, Rating

CLIP = Clip(
    "a", "toy", "a.wav",
    attributes={"valence": Rating(4, 1, 5), "arousal": Rating(2, 1, 7)},
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "worth"),
    [
        (("valence 4", "arousal 2"), 1.0),
        (("valence 2", "arousal 2"), 0.75),  # half a scale off in one of two
        (("valence 2", "arousal 5"), 0.5),
        (("valence 40", "arousal 2"), 0.5),  # no less than 0 each
        (("valence 3",), 0.75),
        (None, 0.0),
        (("sad",), None),
    ],
)
def test_distance_is_a_share_of_the_scale(answer, worth):
    assert RatingDistance().score(CLIP, "", answer) == pytest.approx(worth)


def test_it_does_not_apply_to_clips_that_nobody_rated():
    assert RatingDistance().score(Clip("b", "toy", "b.wav"), "", ("valence 3",)) is None

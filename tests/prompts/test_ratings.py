"""The prompt states attributes and scales, and reads back what it asks for."""

import pickle

import pytest

from emolit.errors import ConfigError
from emolit.prompts.ratings import Ratings
from emolit.types import Clip, Rating

RATED = Clip(
    "a", "toy", "a.wav",
    attributes={"valence": Rating(2.25, 1, 7), "arousal": Rating(4, 1, 5)},
)  # fmt: skip
SCALES = {"valence": (1, 5), "arousal": (1, 5)}


def test_a_clip_is_asked_on_the_scale_of_its_raters_and_others_on_that_of_the_config():
    prompt = Ratings(SCALES)
    asked = prompt.render(RATED, ("angry", "sad"))
    assert "Rate valence from 1 to 7, arousal from 1 to 5." in asked
    assert "Rate valence from 1 to 5, arousal" in prompt.render(Clip("b", "toy", "b.wav"), ())
    assert asked.endswith("Reply only with <answer>valence number, arousal number</answer>.")
    assert "angry" not in asked


def test_the_target_is_the_raters_mean_and_is_read_back():
    prompt = pickle.loads(pickle.dumps(Ratings(SCALES)))
    assert prompt.target(RATED) == "<answer>valence 2.25, arousal 4</answer>"
    assert prompt.parse(prompt.target(RATED), ()) == ("valence 2.25", "arousal 4")
    assert prompt.parse("valence 2, arousal 4", ()) is None  # no tag


def test_a_clip_without_one_of_the_ratings_has_no_target():
    assert Ratings({**SCALES, "dominance": (1, 5)}).target(RATED) is None


@pytest.mark.parametrize(
    ("scales", "words"),
    [
        ({}, "is empty"),
        ({"valence": (5, 1)}, "goes from 5 to 1"),
        ({"q1": (1, 5)}, "'q1' of `scales` has '1' in its name"),
        ({"fear: own": (1, 5)}, "has ':' in its name"),
    ],
)
def test_scales_without_sense_are_refused(scales, words):
    with pytest.raises(ConfigError, match=words):
        Ratings(scales)

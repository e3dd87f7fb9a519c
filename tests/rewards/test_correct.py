"""The reward for the right label: a table of answers and worths."""

import pytest

from emolit.rewards.correct import Correct
from emolit.types import Clip


@pytest.mark.parametrize(
    ("label", "answer", "worth"),
    [("sad", "sad", 1.0), ("sad", "angry", 0.0), ("sad", None, 0.0), (None, "sad", None)],
)
def test_an_answer_is_worth_one_if_it_is_the_label(label, answer, worth):
    clip = Clip(id="a", corpus="toy", path="a.wav", label=label)
    assert Correct().score(clip, "ignored", answer) == worth

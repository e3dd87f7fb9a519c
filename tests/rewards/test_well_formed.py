"""The reward for the layout: a table of responses and worths."""

import pytest

from emolit.rewards.well_formed import WellFormed
from emolit.types import Clip

CLIP = Clip(id="a", corpus="toy", path="a.wav")


@pytest.mark.parametrize(
    ("response", "worth"),
    [
        ("<think>low</think><answer>sad</answer>", 1.0),
        ("<answer>sad</answer>", 0.0),
        ("<think>low</think><answer>sad</answer> and more", 0.0),
        ("", 0.0),
    ],
)
def test_a_response_is_worth_one_if_it_has_the_layout(response, worth):
    reward = WellFormed("<think>…</think><answer>…</answer>")
    assert reward.score(CLIP, response, None) == worth


def test_the_answer_itself_does_not_matter():
    assert WellFormed().score(CLIP, "<answer>nonsense</answer>", None) == 1.0

"""The reward for the layout: a table of responses and worths."""

import pytest

from emolit.errors import ConfigError
from emolit.prompts.direct import Direct
from emolit.prompts.reasoning import Reasoning
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
    assert WellFormed("<answer>…</answer>").score(CLIP, "<answer>nonsense</answer>", None) == 1.0


def test_without_a_layout_it_is_the_one_of_the_prompt():
    reward = WellFormed()
    with pytest.raises(ConfigError, match="has no layout yet"):
        reward.score(CLIP, "<answer>sad</answer>", None)
    reward.prepare(Reasoning())
    assert reward.score(CLIP, "<answer>sad</answer>", None) == 0.0
    assert reward.score(CLIP, "<think>low</think><answer>sad</answer>", None) == 1.0


def test_a_layout_that_the_prompt_does_not_ask_for_is_refused():
    WellFormed("<think>…</think><answer>…</answer>").prepare(Reasoning())
    with pytest.raises(ConfigError, match=r"asks for '<answer>…</answer>': no reply can earn it"):
        WellFormed("<think>…</think><answer>…</answer>").prepare(Direct())

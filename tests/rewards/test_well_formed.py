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


NESTED = (
    "<think><content>…</content><acoustics>…</acoustics><summary>…</summary></think>"
    "<answer>…</answer>"
)
WHOLE = NESTED.replace("…", "low")


@pytest.mark.parametrize(
    ("response", "worth"),
    [
        pytest.param(WHOLE, 1.0, id="whole"),
        pytest.param(WHOLE.replace("><", "> \n<"), 1.0, id="blanks between tags"),
        pytest.param(WHOLE.replace("low", "F0 < 90 Hz, in <b>", 1), 1.0, id="other signs"),
        pytest.param(WHOLE.replace("<summary>low</summary>", ""), 0.0, id="missing field"),
        pytest.param(WHOLE.replace("<answer>low</answer>", ""), 0.0, id="missing answer"),
        pytest.param(
            WHOLE.replace("content", "x").replace("acoustics", "content").replace("x", "acoustics"),
            0.0,
            id="wrong order",
        ),
        pytest.param(
            WHOLE.replace("<summary>low</summary></think>", "</think><summary>low</summary>"),
            0.0,
            id="field outside",
        ),
        pytest.param(WHOLE.replace("<acoustics>", "so <acoustics>"), 0.0, id="text between tags"),
        pytest.param(WHOLE.replace("</think>", "hm</think>"), 0.0, id="text before a closing tag"),
        pytest.param(WHOLE.replace("<think>", "I <think>"), 0.0, id="text before"),
        pytest.param(WHOLE + ".", 0.0, id="text behind"),
        pytest.param(WHOLE.replace(">low</acoustics>", "> </acoustics>"), 0.0, id="empty field"),
        pytest.param(WHOLE.replace("low", "<summary>", 1), 0.0, id="tag in a field"),
        pytest.param(WHOLE + WHOLE, 0.0, id="twice"),
        pytest.param(WHOLE.replace("</content>", ""), 0.0, id="not closed"),
    ],
)
def test_the_nested_form_of_structured_reasoning(response, worth):
    assert WellFormed(NESTED).score(CLIP, response, None) == worth


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

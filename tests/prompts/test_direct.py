"""The direct prompt: what it asks is what it reads."""

import pytest

from emolit.prompts.base import fits
from emolit.prompts.direct import Direct
from emolit.types import Clip

OPTIONS = ("angry", "sad")


def test_the_question_names_every_option_and_the_clip_nowhere():
    clip = Clip(id="a", corpus="toy", path="a.wav", label="sad", transcript="secret words")
    question = Direct().render(clip, OPTIONS)
    assert "angry, sad" in question
    assert "secret" not in question


def test_the_target_is_read_back_as_the_label_and_fits_the_layout():
    clip = Clip(id="a", corpus="toy", path="a.wav", label="sad")
    target = Direct().target(clip)
    assert Direct().parse(target, OPTIONS) == "sad"
    assert fits(target, "<answer>…</answer>")


@pytest.mark.parametrize(
    "response",
    [
        "",
        "sad",
        "<answer>sad",
        "sad</answer>",
        "<answer></answer>",
        "<answer>sorrow</answer>",
        "<answer>sad or angry</answer>",
        "<answer>sad</answer><answer>sad</answer>",
        "<answer>sad</answer><answer>angry</answer>",
        "</answer>sad<answer>",
        "<ANSWER>sad</ANSWER>",
    ],
)
def test_an_unreadable_answer_is_none(response):
    assert Direct().parse(response, OPTIONS) is None


def test_case_and_blanks_are_forgiven():
    assert Direct().parse("well, <answer>\n SAD </answer> so", OPTIONS) == "sad"


def test_a_clip_without_label_has_no_target():
    assert Direct().target(Clip(id="a", corpus="toy", path="a.wav")) is None

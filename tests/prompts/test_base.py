"""Layouts and tags."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.prompts.base import fits, option, read_conclusion, read_tag
from emolit.prompts.direct import Direct
from emolit.prompts.reasoning import Reasoning
from emolit.types import Clip

ESR = (
    "<think><content>…</content><acoustics>…</acoustics><summary>…</summary></think>"
    "<answer>…</answer>"
)


@pytest.mark.parametrize(
    ("response", "layout", "expected"),
    [
        ("<answer>sad</answer>", "<answer>…</answer>", True),
        ("\n <answer> sad </answer> ", "<answer>…</answer>", True),
        ("<answer></answer>", "<answer>…</answer>", False),
        ("<answer> </answer>", "<answer>…</answer>", False),
        ("<answer>sad</answer>!", "<answer>…</answer>", False),
        ("<answer>sad</answer><answer>sad</answer>", "<answer>…</answer>", False),
        ("<answer>sad", "<answer>…</answer>", False),
        ("<answer>sad</answer><think>low</think>", "<think>…</think><answer>…</answer>", False),
        (
            "<think>low\nvoice</think>\n<answer>sad</answer>",
            "<think>…</think><answer>…</answer>",
            True,
        ),
        (
            "<think><content>a</content><acoustics>b</acoustics><summary>c</summary></think>"
            "<answer>sad</answer>",
            ESR,
            True,
        ),
        (
            "<think>F0 < 200 Hz, <b>low</b></think><answer>sad</answer>",
            ESR.split("<content")[0] + "…</think><answer>…</answer>",
            True,
        ),
        ("<answer>\n \n</answer>", "<answer>…</answer>", False),
        ("Answer: sad.", "Answer: ….", True),
        ("Reply: sad.", "Answer: ….", False),
        ("anything at all", "…", True),
        (
            "<think><content>a</content><summary>c</summary><acoustics>b</acoustics></think>"
            "<answer>sad</answer>",
            ESR,
            False,
        ),
    ],
)
def test_a_layout_wants_every_tag_once_in_order_and_filled(response, layout, expected):
    assert fits(response, layout) is expected


@given(st.text())
def test_any_text_can_be_looked_at(text):
    fits(text, ESR)
    found = read_tag(text, "answer")
    assert found is None or text.count("<answer>") == 1


def test_tags_the_wrong_way_round_hold_nothing():
    assert read_tag("</answer>sad<answer>", "answer") is None


def test_case_and_blanks_are_forgiven_and_synonyms_are_not():
    options = ("angry", "Surprise (Negative)")
    assert option(" ANGRY\n", options) == "angry"
    assert option("surprise (negative)", options) == "Surprise (Negative)"
    assert option("furious", options) is None
    assert option("angry, sad", options) is None


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("<think>low</think><answer>Sad</answer>", "sad"),
        ("<answer>sad</answer>", None),
        ("<answer>sad</answer><think>low</think>", None),
        ("<think>so <answer>sad</answer></think>", None),
    ],
)
def test_only_an_answer_behind_the_thinking_counts(response, answer):
    assert read_conclusion(response, ("angry", "sad")) == answer


@pytest.mark.parametrize(
    ("prompt", "response", "wanted"),
    [
        (Direct(), "<answer>sad</answer>", "<answer>angry</answer>"),
        (Direct(), "so <answer>s", "so <answer>angry</answer>"),
        (Direct(), "sad", "<answer>angry</answer>"),
        (
            Reasoning(),
            "<think>not <answer>happy</answer></think> <answer>sad</answer> bye",
            "<think>not <answer>happy</answer></think> <answer>angry</answer>",
        ),
        (Reasoning(), "<think>low", "<think>I listen to the voice.</think><answer>angry</answer>"),
    ],
)
def test_another_answer_stands_behind_what_was_said(prompt, response, wanted):
    clip = Clip(id="a", corpus="toy", path="a.wav", label="sad")
    assert prompt.instead(clip, response, "angry") == wanted
    assert clip.label == "sad"


def by_trying(layout):
    """The same layout as an expression that tries every way, in whatever time it takes."""
    pieces = [piece for piece in re.split(r"(<[^<>]+>|…)", layout) if piece.strip()]
    tags = "|".join(re.escape(piece) for piece in pieces if piece.startswith("<"))
    letter = rf"(?:(?!{tags}).)" if tags else "."
    parts = [rf"(?=\S){letter}+" if p == "…" else re.escape(p.strip()) for p in pieces]
    return re.compile(r"\s*" + r"\s*".join(parts) + r"\s*", flags=re.DOTALL)


LAYOUTS = st.lists(st.sampled_from(["<a>", "</a>", "<b>", "…", "x", "x ", "A: ", " "]), max_size=6)
FILLING = st.lists(st.sampled_from(["q", "x", "A:", " ", "  q ", "<c>", "<a>", "\n"]), max_size=3)


@given(LAYOUTS.map("".join), st.lists(FILLING.map("".join), min_size=6, max_size=6), st.data())
def test_a_response_fits_if_any_way_of_reading_it_does(layout, fillings, data):
    filled = iter(fillings)
    text = re.sub("…", lambda _: next(filled), layout)
    start = data.draw(st.integers(0, len(text)))
    for response in (text, text[start:], text[:start] + " " + text[start:]):
        assert fits(response, layout) == (by_trying(layout).fullmatch(response) is not None)

"""The open question: lists in and out, with and without thinking."""

import json

import pytest

from emolit.prompts.base import fits
from emolit.prompts.open_vocabulary import OpenVocabulary
from emolit.prompts.variation import PromptVariation
from emolit.text.words import split_list_as_released
from emolit.types import Clip

CLIP = Clip("a", "toy", "a.wav", words=("happy", "let down"), reason="A low, slow voice.")


@pytest.mark.parametrize("think", [False, True])
def test_the_target_is_read_back_as_the_words_and_fits_the_layout(think):
    prompt = OpenVocabulary(think=think)
    target = prompt.target(CLIP)
    assert prompt.parse(target, ()) == CLIP.words
    assert fits(target, prompt.layout)
    assert ("A low, slow voice." in target) == think


@pytest.mark.parametrize(
    ("clip", "think"),
    [
        (Clip("a", "toy", "a.wav"), False),
        (Clip("a", "toy", "a.wav", words=("sad",)), True),
        (Clip("a", "toy", "a.wav", reason="Low."), True),
    ],
)
def test_a_clip_that_lacks_words_or_reason_has_no_target(clip, think):
    assert OpenVocabulary(think=think).target(clip) is None


def test_thoughts_from_a_file_take_the_place_of_reasons(tmp_path):
    thought = {"content": "No words.", "acoustics": "Pitch high.", "summary": "Much force."}
    line = {"corpus": "toy", "id": "a", **thought}
    (tmp_path / "thoughts.jsonl").write_text(json.dumps(line), "utf-8")
    prompt = OpenVocabulary(think=True, rationales=str(tmp_path / "thoughts.jsonl"))
    assert prompt.target(CLIP) == (
        "<think>No words. Pitch high. Much force.</think><answer>happy, let down</answer>"
    )
    assert prompt.target(Clip("b", "toy", "b.wav", words=("sad",), reason="Low.")) is None


def test_a_label_stands_for_the_words_where_there_are_none():
    assert OpenVocabulary().target(Clip("a", "toy", "a.wav", "sad")) == "<answer>sad</answer>"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("Happy, sad", ("Happy", "sad")),
        ("['don't care', \"sad\"]", ("don't care", "sad")),
        ("高兴，悲伤、生气；HURT.", ("高兴", "悲伤", "生气", "HURT")),
        ("happy\nsad", ("happy", "sad")),
        ("[]", ()),
        (" , ", ()),
        ("", None),
        (" \n", None),
        ("happy, sad, and angry", ("happy", "sad", "angry")),
        ("- happy\n- sad\n- angry", ("happy", "sad", "angry")),
        ("\u2022 happy\n\u2022 sad\n\u2022 angry", ("happy", "sad", "angry")),
        ("1. happy\n2. sad\n3. angry", ("happy", "sad", "angry")),
        ("(1) happy (2) sad", ("happy", "sad")),
        ("1\u3001\u9ad8\u5174\n2\u3001\u60b2\u4f24", ("\u9ad8\u5174", "\u60b2\u4f24")),
        ("happy / sad / angry", ("happy", "sad", "angry")),
        (
            "\u9ad8\u5174\uff0c\u60b2\u4f24\u548c\u6124\u6012",
            ("\u9ad8\u5174", "\u60b2\u4f24", "\u6124\u6012"),
        ),
        ('```json\n["happy", "sad"]\n```', ("happy", "sad")),
        ("* happy\n* sad", ("happy", "sad")),
        ("['happy' 'sad']", ("happy", "sad")),
        ("happy and satisfied", ("happy", "satisfied")),
    ],
)
def test_lists_as_models_write_them_are_read(answer, words):
    assert OpenVocabulary().parse(f"<answer>{answer}</answer>", ()) == words


def test_in_parity_lists_are_read_as_the_release_reads_them(shared):
    stored = json.loads((shared / "reference" / "reference_cases.json").read_text("utf-8"))
    prompt = OpenVocabulary(reader="parity")
    for case in stored["string_to_list"]:
        text = case["input"]
        if text.strip():
            assert list(prompt.parse(f"<answer>{text}</answer>", ())) == case["output"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (" [sad, happy]", ("[sad", "happy")),
        ("[sad, happy] ", ("sad", "happy]")),
        ("\n[sad]", ("[sad",)),
        ("happy and sad", ("happy and sad",)),
    ],
)
def test_in_parity_nothing_is_stripped_before_brackets_are_looked_for(answer, words):
    """The release tests the first and the last sign of the text as it is."""
    assert split_list_as_released(answer) == words
    for think in ("", "<think>Low.</think>"):
        prompt = OpenVocabulary(think=bool(think), reader="parity")
        assert prompt.parse(f"{think}<answer>{answer}</answer>", ()) == words


@pytest.mark.parametrize(
    "response",
    [
        "",
        "happy, sad",
        "<answer>happy</answer>",
        "<think>a</think><answer>happy</answer><answer>sad</answer>",
        "<think>a<answer>happy</answer></think>",
        "<answer>happy</answer><think>a</think>",
        "<think>a</think><think>b</think><answer>happy</answer>",
    ],
)
def test_an_answer_that_is_not_behind_the_thinking_is_unreadable(response):
    assert OpenVocabulary(think=True).parse(response, ()) is None


def test_the_question_offers_no_options_and_says_the_form():
    plain, thinking = OpenVocabulary(), OpenVocabulary(think=True)
    asked = plain.render(CLIP, ("angry", "sad"))
    assert asked.startswith("Please recognize all possible emotional states")
    assert "angry" not in asked and "<think>" not in asked
    assert "<think>" in thinking.render(CLIP, ())
    assert OpenVocabulary("What?", "").render(CLIP, ()) == "What?"


def test_the_subtitle_is_in_the_question_by_setting():
    clip = Clip("a", "toy", "a.wav", transcript="I won.")
    assert "I won." not in OpenVocabulary().render(clip, ())
    asked = OpenVocabulary(variation=PromptVariation(transcript="known")).render(clip, ())
    assert asked.startswith('The speaker says: "I won." Please recognize all')

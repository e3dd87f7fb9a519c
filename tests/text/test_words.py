"""Words in text with and without blanks between them."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.text.words import (
    REACH,
    denied_places,
    find_words,
    is_denied,
    plain,
    spans,
    split_list,
    split_list_as_released,
    units,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ,.! ", []),
        ("Sad, SAD; sad-ness 2x", ["sad", "sad", "sad", "ness", "2x"]),
        ("他很难过", ["他", "很", "难", "过"]),
        ("悲しいvoice", ["悲", "し", "い", "voice"]),
        ("Ärger très", ["ärger", "très"]),
    ],
)
def test_units_are_words_and_characters(text, expected):
    assert units(text) == expected


def test_tags_are_no_words_and_comparisons_stay():
    assert units(plain("<think>F0 < 200 and > 100</think>")) == ["f0", "200", "and", "100"]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("unhappy, happy", ("happy",), ["happy"]),
        ("very happy", ("happy", "very happy"), ["very happy"]),
        ("fear, then FEAR", ("Fear",), ["Fear", "Fear"]),
        ("他很悲伤吗", ("悲伤", "快乐"), ["悲伤"]),
        ("anything", (), []),
        ("a.b", ("a.b", "axb"), ["a.b"]),
        ("axb", ("a.b",), []),
    ],
)
def test_whole_words_are_named(text, words, expected):
    assert find_words(text, words) == expected


def test_lists_are_read_as_the_release_reads_them(shared):
    stored = json.loads((shared / "reference" / "reference_cases.json").read_text("utf-8"))
    assert len(stored["string_to_list"]) == 15
    for case in stored["string_to_list"]:
        assert list(split_list_as_released(case["input"])) == case["output"]
    assert split_list_as_released("[") == ()


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("[happy, sad]", ("happy", "sad")),
        (" [happy, sad]\n", ("happy", "sad")),
        ("['happy', \"don't care\"]", ("happy", "don't care")),
        ("“happy”， ‘sad’；angry、高兴;let down", ("happy", "sad", "angry", "高兴", "let down")),
        ("Happy.\nSAD!\n\n", ("Happy", "SAD")),
        ("[[happy], [sad]]", ("happy", "sad")),
        ("{happy: }, (sad)", ("happy", "sad")),
        (
            "surprise (negative), (sad, hurt (a bit).)",
            ("surprise (negative)", "sad", "hurt (a bit)"),
        ),
        ("惊讶（负面）；(sad", ("惊讶（负面）", "sad")),
        ("self-conscious, don’t care", ("self-conscious", "don’t care")),
        ("1. happy\n2) sad, (3) self-conscious", ("happy", "sad", "self-conscious")),
        ("- happy\n• sad\n· let down", ("happy", "sad", "let down")),
        ("```json\n['happy' 'sad']\n```", ("happy", "sad")),
        ("feeling 20, 1.5", ("feeling 20", "1.5")),
        ("", ()),
        ("[]", ()),
        ("[", ()),
        (" , ,, '' ", ()),
    ],
)
def test_lists_are_read_as_people_write_them(text, items):
    assert split_list(text) == items


PIECES = st.sampled_from(
    ["not ", "knot ", "never ", "isn’t ", "but ", "very ", "sad ", "only ", ", ", "不", "很"]
)


@given(st.lists(PIECES, min_size=50, max_size=90), st.integers(0, 9))
def test_a_long_text_denies_what_its_last_words_deny(pieces, more):
    text = "k" * more + "".join(pieces)
    assert len(text) + 100 > REACH
    last = "".join(pieces[-9:])
    assert is_denied(text, len(text)) == is_denied(last, len(last))
    assert is_denied(f"{text}sad", len(text)) == is_denied(last, len(last))


RULE = re.compile(
    r"(?:(?:\b(?:not|no|never|without|cannot)|n't)(?!\s+(?:only|just|merely)\b)"
    r"(?:\s+(?!but\b)[\w'-]+){0,3}\s+|(?:不|没有?)[是太很]*)\Z"
)
"""What denies the word behind it, looked for at one place."""
SAID = (
    "not", "no", "never", "cannot", "isn’t", "n't", "nothing", "only", "just", "but", "butter",
    "sad", ",", "-", "不", "没", "没有", "是", "太", "悲", " ", " ", " ", "\n", "\u3000",
    " x" * 70, "是" * 150,
)  # fmt: skip


@given(st.lists(st.sampled_from(SAID), max_size=16))
def test_all_denied_places_are_those_that_the_rule_finds_one_by_one(pieces):
    text = "".join(pieces)
    plain = text.replace("’", "'")
    places = {first for first, _ in spans(text)} | {len(text)}
    wanted = {
        place
        for place in places
        if any(RULE.match(plain[:place], start) for start in range(max(0, place - REACH), place))
    }
    assert denied_places(text) & places == wanted
    assert {place for place in places if is_denied(text, place)} == wanted


def test_denials_in_a_long_text_are_found_in_linear_time():
    lexicon = PackagedLexicon(negated="drop")
    text = "not a sad " * 7000
    start = time.process_time()
    assert lexicon.find_words(text + "but happy") == ("happy",)
    assert time.process_time() - start < 10

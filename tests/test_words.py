"""Words in text with and without blanks between them."""

import pytest

from emolit.words import named, plain, units


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
    assert named(text, words) == expected

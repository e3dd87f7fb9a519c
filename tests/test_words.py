"""Words in text with and without blanks between them."""

import json

import pytest

from emolit.words import listed, listed_as_released, named, plain, units


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


def test_lists_are_read_as_the_release_reads_them(shared):
    stored = json.loads((shared / "reference" / "reference_cases.json").read_text("utf-8"))
    assert len(stored["string_to_list"]) == 15
    for case in stored["string_to_list"]:
        assert list(listed_as_released(case["input"])) == case["output"]
    assert listed_as_released("[") == ()


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
        ("surprise (negative), (sad, hurt (a bit).)", ("surprise (negative)", "sad", "hurt (a bit)")),
        ("惊讶（负面）；(sad", ("惊讶（负面）", "sad")),
        ("self-conscious, don’t care", ("self-conscious", "don’t care")),
        ("", ()),
        ("[]", ()),
        ("[", ()),
        (" , ,, '' ", ()),
    ],
)
def test_lists_are_read_as_people_write_them(text, items):
    assert listed(text) == items

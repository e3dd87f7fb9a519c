import ast
import csv
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emolit.affect.packaged_lexicon import entries
from emolit.affect.word_lists import EDGES, split_phrases, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("['happy', 'sad']", ("happy", "sad")),
        ('["happy", "sad"]', ("happy", "sad")),
        ("['happy', 'Happy ', 'HAPPY']", ("happy",)),
        ("['don't care', 'sad']", ("don't care", "sad")),
        ("[\u2018happy\u2019\uff0c\u201csad\u201d]", ("happy", "sad")),
        ("happy\uff0csad\u3001calm\uff1btired", ("happy", "sad", "calm", "tired")),
        ("['\u60b2\u4f24', '\u5f00\u5fc3']", ("\u60b2\u4f24", "\u5f00\u5fc3")),
        ("\u3010\u60b2\u4f24\u3011", ("\u60b2\u4f24",)),
        ("('happy', 'sad')", ("happy", "sad")),
        ("self-deprecating", ("self-deprecating",)),
        ("['at  ease\n']", ("at ease",)),
        ("['surprise (negative)']", ("surprise (negative)",)),
        ("['happy', '', ' ']", ("happy",)),
        ("[happy, sad", ("happy", "sad")),
        ("__import__('os').getcwd()", ("__import__('os').getcwd()",)),
        ("[]", ("neutral",)),
        ("['']", ("neutral",)),
        (", ;", ("neutral",)),
        ("[" * 5000, ("neutral",)),
        ("", ()),
        (" \n", ()),
        (None, ()),
        ("{'happy', 'sad'}", ("happy", "sad")),
        ("set()", ("neutral",)),
        ("()", ("neutral",)),
        ("['angry' 'frustrated' 'sad']", ("angry", "frustrated", "sad")),
        ("['don't care' 'sad']", ("don't care", "sad")),
        ("'happy' 'sad'", ("happy", "sad")),
        ("\u300c\u9ad8\u5174\u300d \u60b2\u4f24", ("\u9ad8\u5174\u300d \u60b2\u4f24",)),
        ("array(['happy', 'sad'], dtype=object)", ("happy", "sad")),
        ('["\\u60b2\\u4f24", "it\\\'s"]', ("\u60b2\u4f24", "it's")),
        ("1. happy\n2. sad", ("happy", "sad")),
        ("- happy\n\u2022 self-conscious", ("happy", "self-conscious")),
        ("{[]}", ("neutral",)),
        ("{[]:1}", (":1",)),
        ("{happy,sad}", ("happy", "sad")),
    ],
)
def test_lists_of_any_hand_become_words(text, words):
    assert words_of(text) == words


def test_real_lists_are_pythons(shared):
    file = shared / "annotations" / "mer2024" / "check-openset.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            plain = [word.strip().lower() for word in ast.literal_eval(row["openset"])]
            assert words_of(row["openset"]) == tuple(dict.fromkeys(plain))


WORDS = st.lists(st.text("ab -\u60b2\u5f00'\"", min_size=1, max_size=40), min_size=1, max_size=60)


@given(WORDS)
@example(["a' 'a"])
def test_what_numpy_and_python_write_is_read_back_word_by_word(words):
    """Table writers store a list column as the text of its value: numpy's breaks long lines."""
    told = [" ".join(word.strip(EDGES).split()) for word in words]
    expected = tuple(dict.fromkeys(filter(None, told))) or ("neutral",)
    assert words_of(str(words)) == expected
    assert words_of(json.dumps(words)) == expected
    assert words_of(str(np.array(words, dtype=object))) == expected
    assert words_of(str(np.array(words, dtype=str))) == expected
    assert words_of(repr(np.array(words, dtype=object))) == expected
    assert set(words_of(str(set(words)))) == set(expected)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (("happy", "sad", "and angry"), ("happy", "sad", "angry")),
        (("Or Sad",), ("Sad",)),
        (("happy / sad / angry",), ("happy", "sad", "angry")),
        (("happy|sad",), ("happy", "sad")),
        (("fr\u00f6hlich/traurig",), ("fr\u00f6hlich", "traurig")),
        (("angry/displeased", "calm or neutral"), ("angry", "displeased", "calm", "neutral")),
        (("\u60b2\u4f24\u548c\u6124\u6012",), ("\u60b2\u4f24", "\u6124\u6012")),
        (("\u5e73\u548c", "\u6e29\u548c"), ("\u5e73\u548c", "\u6e29\u548c")),
        (("n/a", "w/o joy"), ("n/a", "w/o joy")),
        (("rhythm and blues",), ("rhythm and blues",)),
        (("surprise (positive/negative)",), ("surprise (positive/negative)",)),
        (("android", "orange"), ("android", "orange")),
        (("and", "/", ""), ()),
    ],
)
def test_items_that_are_several_words_are_parted_where_the_lexicon_says_so(items, expected):
    assert split_phrases(items) == expected


def test_every_word_of_the_lexicon_is_one_word():
    assert split_phrases(entries()) == tuple(entries())

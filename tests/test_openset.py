import ast
import csv

import pytest

from emolit.openset import words_of


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
        ("", ("neutral",)),
        ("['']", ("neutral",)),
        (", ;", ("neutral",)),
        ("[" * 5000, ("neutral",)),
        (None, ("neutral",)),
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

"""What a terminal would obey is shown, and all else stays."""

import unicodedata

import pytest

from emolit.text.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("e\x1b[2J", "e\\x1b[2J"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\0c\x9b", "a\\rb\\x00c\\x9b"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udcff.wav", "\\udcff.wav"),
    ],
)
def test_commands_are_shown(text, shown):
    assert printable(text) == shown


def test_words_of_any_language_stay():
    words = "müde, 悲しい　疲れ, غاضب, 👩‍👧, 1\t2\n3"
    assert printable(words) == words


def test_no_control_character_is_left():
    every = "".join(map(chr, range(0x3000)))
    left = {sign for sign in printable(every) if unicodedata.category(sign) == "Cc"}
    assert left == {"\t", "\n"}

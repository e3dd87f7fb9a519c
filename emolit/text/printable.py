"""Texts of others, on the terminal: what would command it is shown by its escape."""

import re

COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line break, signs that turn the direction, halves of letters."""


def printable(text: str) -> str:
    r"""Return a text that a terminal shows and does not obey.

    Example:
        >>> printable("a\x1b[2Jb, 悲しい\u3000\n")
        'a\\x1b[2Jb, 悲しい\u3000\n'
    """
    return COMMANDS.sub(lambda found: repr(found[0])[1:-1], text)

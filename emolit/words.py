"""Words in free text, in scripts with and without blanks between them."""

import re
from collections.abc import Iterable

from emolit.types import Answer

SCRIPTS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Kana and Han characters, as in a class of a regular expression: no blanks between words."""
_LETTER = rf"[^\W{SCRIPTS}]"
_UNIT = re.compile(rf"[{SCRIPTS}]|(?:{_LETTER}|')+")
_TAG = re.compile(r"</?\w+>")


def plain(text: str) -> str:
    """Return a text without its tags.

    Example:
        >>> plain("<think>F0 < 200 Hz</think><answer>sad</answer>")
        'F0 < 200 Hz  sad'
    """
    return _TAG.sub(" ", text).strip()


def units(text: str) -> list[str]:
    """Return what a reader counts: words without case, and each Han or kana character.

    Example:
        >>> units("Don't cry, 悲伤!")
        ["don't", 'cry', '悲', '伤']
    """
    return _UNIT.findall(text.casefold())


def named(text: str, words: Iterable[str]) -> list[str]:
    """Return which of the words a text names, in the order of the text; the longest that fits.

    Whole words count, in any case; Han and kana characters are found inside a run of others.

    Example:
        >>> named("Not sadness but anger: Sad? No, 他很悲伤.", ("sad", "anger", "悲伤"))
        ['anger', 'sad', '悲伤']
    """
    known = {word.casefold(): word for word in words}
    longest = sorted(known, key=len, reverse=True)
    if not longest:
        return []
    choices = "|".join(re.escape(word) for word in longest)
    pattern = rf"(?<!{_LETTER})(?:{choices})(?!{_LETTER})"
    return [known[found] for found in re.findall(pattern, text.casefold())]


def text_of(answer: Answer | None) -> str:
    """Return an answer as one text.

    Example:
        >>> text_of(("sad", "hurt"))
        'sad, hurt'
    """
    return (answer if isinstance(answer, str) else ", ".join(answer or ())).strip()

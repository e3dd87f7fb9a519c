"""Words in free text and in lists, in scripts with and without blanks between them."""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from emolit.types import Answer

SCRIPTS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Kana and Han characters, as in a class of a regular expression: no blanks between words."""
_LETTER = rf"[^\W{SCRIPTS}]"
_UNIT = re.compile(rf"[{SCRIPTS}]|(?:{_LETTER}|')+")
_DENIAL = re.compile(r"(?:\b(?:not|no|never|without|cannot)|n't)(?=\s)|不|没有?")
_NO_DENIAL = re.compile(r"\s+(?:only|just|merely)\b")
_BLANKS = re.compile(r"\s+")
_DENIED = re.compile(r"(?!but\b)[\w'-]+\s+")
_DEGREES = "是太很"
REACH = 200
"""Characters before a word in which a denial of it may stand."""
_TAG = re.compile(r"</?\w+>")
_MARK = re.compile(
    r"```(?:json|python|yaml|csv|markdown|md|text|txt|plaintext)\b"
    r"|(?<![^\s\[({（\"'])\d{1,2}[.)）、](?=\s*[^\s\d.])"
)
"""Beginning of a fenced block; the number of an item."""
_BETWEEN = re.compile(r"[,，;；、\n]|(?<=['\"’”])\s+(?=['\"‘“])")
_EDGE = " \t\r'\"`\u2018\u2019\u201c\u201d\u300c\u300d[](){}（）【】.。!！?？:：*-\u2013\u2014•·●▪◦"
"""What is stripped from both ends of an item of a list."""


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


def spans(text: str) -> list[tuple[int, int]]:
    """Return where words begin and end; each Han or kana character is one.

    Example:
        >>> spans("let down, 悲")
        [(0, 3), (4, 8), (10, 11)]
    """
    return [found.span() for found in _UNIT.finditer(text)]


def denied_places(text: str) -> frozenset[int]:
    """Return the places where a word would be denied by what stands before it; see `is_denied`.

    Each denial is followed to its end once, so that the time is linear in the text.

    Args:
        text: In lower case.
    """
    text = text.replace("\u2019", "'")
    return frozenset(
        place
        for found in _DENIAL.finditer(text)
        for place in _denied_by(text, found)
        if place - found.start() <= REACH
    )


def _denied_by(text: str, denial: re.Match[str]) -> Iterator[int]:
    """Yield the places that one denial denies, in their order."""
    place = denial.end()
    if denial[0][0] in "不没":
        yield from range(denial.start() + 1, place)  # 没 of 没有
        yield place
        degrees = takewhile(_DEGREES.__contains__, text[place : place + REACH])
        yield from (place + count for count, _ in enumerate(degrees, start=1))
        return
    found = _BLANKS.match(text, place)
    for _ in range(3):
        if found is None:
            return
        yield found.end()
        if _NO_DENIAL.match(text, place):
            return
        found = _DENIED.match(text, found.end())
    if found is not None:
        yield found.end()


def is_denied(text: str, place: int) -> bool:
    """Tell whether the text before a word denies it; ours, by these rules alone.

    English: not, n't, cannot, no, never or without, with at most three words, no mark and no "but"
    between; "not only" denies nothing. Chinese: 不, 没 or 没有, with only 是, 太 or 很 between. No
    more than `REACH` characters are looked at.

    Args:
        text: In lower case.
        place: Where the word begins.

    Example:
        >>> texts = ("she isn't very ", "not sad but ", "他并不", "他不哭，")
        >>> [is_denied(text, len(text)) for text in texts]
        [True, False, True, False]
    """
    first = max(0, place - REACH - 1)
    return place - first in denied_places(text[first:place])


def find_words(text: str, words: Iterable[str]) -> list[str]:
    """Return which of the words a text names, in the order of the text; the longest that fits.

    Whole words count, in any case; Han and kana characters are found inside a run of others.

    Example:
        >>> find_words("Not sadness but anger: Sad? No, 他很悲伤.", ("sad", "anger", "悲伤"))
        ['anger', 'sad', '悲伤']
    """
    known = {word.casefold(): word for word in words}
    longest = sorted(known, key=len, reverse=True)
    if not longest:
        return []
    choices = "|".join(re.escape(word) for word in longest)
    pattern = rf"(?<!{_LETTER})(?:{choices})(?!{_LETTER})"
    return [known[found] for found in re.findall(pattern, text.casefold())]


def remove_list_marks(text: str) -> str:
    """Return a text with a line end in place of what numbers its items, and of fences' beginnings.

    Example:
        >>> remove_list_marks("1. happy 2) sad").split()
        ['happy', 'sad']
    """
    return _MARK.sub("\n", text)


def split_list(text: str) -> tuple[str, ...]:
    """Return the items of a list as people and models write it.

    Commas, semicolons and the Chinese ``，；、`` separate, and so do line ends, numbers such as
    ``1.``, and blanks between quotes; brackets, quotes, punctuation and bullets around an item are
    removed; apostrophes inside it stay, and so does a bracket that closes one inside it.

    Example:
        >>> split_list("['don't care', Sad]，高兴、 proud, surprise (negative).")
        ("don't care", 'Sad', '高兴', 'proud', 'surprise (negative)')
    """
    items = (_closed(item.strip(_EDGE)) for item in _BETWEEN.split(remove_list_marks(text)))
    return tuple(item for item in items if item)


def _closed(item: str) -> str:
    """Return an item with the bracket that it opens and has lost at its end."""
    pairs = (("(", ")"), ("（", "）"))
    return item + "".join(end for start, end in pairs if item.count(start) > item.count(end))


def split_list_as_released(text: str) -> tuple[str, ...]:
    """Return the items of a list as AffectGPT's released scorer reads them.

    A bracket counts only at the very ends of the text; quotes separate, full-width commas,
    semicolons and line ends do not. Deviates for ``"["``, on which the release stops: no items.

    Example:
        >>> split_list_as_released("[don't care, sad]")
        ('don', 't care', 'sad')
    """
    inside = text.removeprefix("[").removesuffix("]")
    items = (item.strip() for item in re.split("['\",]", inside))
    return tuple(item for item in items if item)


def text_of(answer: Answer | None) -> str:
    """Return an answer as one text.

    Example:
        >>> text_of(("sad", "hurt"))
        'sad, hurt'
    """
    return (answer if isinstance(answer, str) else ", ".join(answer or ())).strip()

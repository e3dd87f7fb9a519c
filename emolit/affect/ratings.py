"""Ratings of attributes, such as valence and arousal, as replies say them: ``valence 3.5``."""

import re
from collections.abc import Iterable, Mapping

from emolit.types import Answer

RATING = re.compile(r"\s*([^\d:=,]*?)\s*[:=]?\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*")
DECIMALS = 2
"""Of a number in a reply."""


def write_ratings(values: Mapping[str, float]) -> str:
    """Return ratings as a reply says them.

    Example:
        >>> write_ratings({"valence": 3.5, "arousal": 2.0})
        'valence 3.5, arousal 2'
    """
    return ", ".join(f"{name} {round(value, DECIMALS):g}" for name, value in values.items())


def read_ratings(text: str, names: Iterable[str]) -> tuple[str, ...] | None:
    """Return a rating of each name, in their order, as words; None unless each stands there once.

    Case, blanks, and a colon or an equals sign before the number are forgiven.

    Example:
        >>> read_ratings("Arousal: 2.0, valence 3.5", ("valence", "arousal"))
        ('valence 3.5', 'arousal 2.0')
        >>> read_ratings("valence 3.5", ("valence", "arousal")) is None
        True
    """
    found: dict[str, str] = {}
    pieces = text.split(",")
    for piece in pieces:
        match = RATING.fullmatch(piece)
        if match is None:
            return None
        found[match[1].casefold()] = match[2]
    wanted = [name.casefold() for name in names]
    if len(found) != len(pieces) or {*found} != {*wanted}:
        return None
    return tuple(f"{name} {found[name.casefold()]}" for name in names)


def values_of(answer: Answer) -> dict[str, float]:
    """Return the numbers of an answer that `read_ratings` has read, by name; none of other answers.

    Example:
        >>> values_of(("valence 3.5", "arousal 2.0")), values_of("sad"), values_of(("sad",))
        ({'valence': 3.5, 'arousal': 2.0}, {}, {})
    """
    if isinstance(answer, str):
        return {}
    matches = [RATING.fullmatch(word) for word in answer]
    return {match[1]: float(match[2]) for match in matches if match}

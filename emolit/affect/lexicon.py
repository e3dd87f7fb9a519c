"""Emotion words and their groups: word -> base form -> synonym -> wheel -> ring.

A wheel files emotion words in rings: ring 1 is the inner, coarse one, ring 2 the one around it.
Two words mean the same on a wheel where they stand in one group. Metrics and rewards share the
grouping; `emolit.affect.released_tables` and `emolit.affect.packaged_lexicon` are its two sources.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from emolit.errors import ConfigError
from emolit.text.words import denied_places, spans, units

Row = tuple[str | None, ...]
"""The group of a word in each column of a lexicon; None where it has none."""
WheelRow = tuple[str, str, str]
"""Inner, middle and outer word; an empty one is none."""
Neutral = Literal["own", "drop", "unknown"]
Negated = Literal["keep", "drop"]

RINGS = (1, 2)
JOINED = ("-", "'", "\u2019")
"""What joins words to one whose base form may begin otherwise."""
NEUTRAL = "neutral"


class Lexicon(ABC):
    """Groups emotion words. A column is one ring of one wheel, or another way of grouping.

    Args:
        neutral: What a neutral word is on every wheel: a group of its ``own``, known but in no
            group (``drop``), or left to the source (``unknown``, as in the released scorer).

    Attributes:
        wheels: Names of the wheels.
        columns: Names of the columns, ``<wheel>/<ring>`` first, wheel by wheel.
        tag: Which tables or words, for signatures.
    """

    wheels: tuple[str, ...]
    others: tuple[str, ...] = ()
    """Columns beside those of the wheels."""
    negated: Negated = "keep"
    """Whether running text names a word that it denies: "not happy" names happy, or nothing."""
    neutral_words: frozenset[str] = frozenset((NEUTRAL, "中性"))

    def __init__(self, neutral: Neutral = "own") -> None:
        self.neutral = neutral

    @property
    @abstractmethod
    def tag(self) -> str:
        """Which tables or words and which of their rules, for signatures."""

    @property
    @abstractmethod
    def longest(self) -> int:
        """Words of the longest phrase that is known, Han and kana characters counting as words."""

    def reach(self, word: str) -> int:
        """Return the words of the longest phrase that may be known and begins with a word.

        Args:
            word: In lower case, with a blank or a mark behind it that joins nothing.
        """
        return self.longest

    @abstractmethod
    def find(self, word: str) -> Row | None:
        """Return the groups of a word in lower case, stripped; None where it is unknown."""

    @abstractmethod
    def names(self, column: int) -> frozenset[str]:
        """Return all groups that words may have in a column, the neutral one aside."""

    def speaks(self, phrase: str) -> bool:
        """Tell whether a phrase in lower case speaks of an emotion in running text."""
        return self._placed(phrase) is not None

    def find_words(self, text: str) -> tuple[str, ...]:
        """Return the emotion words that a text names, in its order; the longest that fits.

        Deterministic and literal: "not happy" names happy, unless the phrase is known itself, or
        ``negated`` drops what `emolit.text.words.is_denied` tells to be denied.
        """
        lower, found, place = text.lower(), [], 0
        words, longest = spans(lower), self.longest
        denied = denied_places(lower) if self.negated == "drop" else frozenset[int]()
        while place < len(words):
            start, end = words[place]
            most = longest if lower[end : end + 1] in JOINED else self.reach(lower[start:end])
            ends = range(min(place + most, len(words)), place, -1)
            phrases = ((end, lower[start : words[end - 1][1]]) for end in ends)
            fits = ((end, phrase) for end, phrase in phrases if self.speaks(phrase))
            place, phrase = next(fits, (place + 1, None))
            if phrase is not None and start not in denied:
                found.append(phrase)
        return tuple(found)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        rings = (f"{wheel}/{ring}" for wheel in self.wheels for ring in RINGS)
        return (*rings, *self.others)

    def row(self, word: str) -> Row | None:
        """Return the groups of a word, case and surrounding blanks forgiven; None if unknown."""
        return self._placed(word.lower().strip())

    def _placed(self, plain: str) -> Row | None:
        if self.neutral == "unknown" or plain not in self.neutral_words:
            return self.find(plain)
        return (NEUTRAL if self.neutral == "own" else None,) * len(self.columns)

    def rows(self, words: Iterable[str]) -> tuple[list[Row], int]:
        """Return the groups of the distinct known words, and how many distinct ones are unknown.

        Words are told apart without case and surrounding blanks.
        """
        distinct = {word.lower().strip() for word in words}
        found = [row for word in distinct if (row := self._placed(word)) is not None]
        return found, len(distinct) - len(found)

    def group(self, word: str, wheel: str, ring: int = 1) -> str | None:
        """Return the group of a word on a wheel; None where it has none."""
        row = self.row(word)
        return None if row is None else row[self.places((wheel,), ring)[0]]

    def places(self, wheels: Sequence[str] | None = None, ring: int = 1) -> tuple[int, ...]:
        """Return the columns of a ring.

        Args:
            wheels: Names; None takes all.
            ring: 1, the inner one, or 2.

        Raises:
            ConfigError: There is no such wheel or ring.
        """
        chosen = self.wheels if wheels is None else tuple(wheels)
        odd = [name for name in chosen if name not in self.wheels]
        if odd or not chosen or len({*chosen}) < len(chosen) or ring not in RINGS:
            raise ConfigError(
                f"The lexicon {self.tag!r} has the wheels {list(self.wheels)} with the rings 1 and "
                f"2, but wheels {list(chosen)} and ring {ring} are asked for; choose among them, "
                "each wheel once."
            )
        return tuple(len(RINGS) * self.wheels.index(name) + ring - 1 for name in chosen)


def longest(phrases: Iterable[str]) -> int:
    """Return the number of words of the longest phrase."""
    return max(len(units(phrase)) for phrase in phrases)


def reaches(phrases: Iterable[str]) -> dict[str, int]:
    """Return the number of words of the longest phrase by its first word, up to an apostrophe.

    Example:
        >>> reaches(["let down", "let's go on", "sad"])
        {'let': 4, 'sad': 1}
    """
    found: dict[str, int] = {}
    for phrase in phrases:
        words = units(phrase.replace("'", " "))
        if words:
            found[words[0]] = max(len(words), found.get(words[0], 0))
    return found


def groups(rows: Iterable[Row], column: int) -> frozenset[str]:
    """Return the distinct groups of words in a column."""
    return frozenset([group for row in rows if (group := row[column]) is not None])


class Match(NamedTuple):
    """How a predicted set meets the gold set.

    Attributes:
        precision: Share of the predicted that is gold; 0 if nothing is predicted.
        recall: Share of the gold that is predicted.
        f1: Of this sample alone.
        given: Size of the predicted set, without words that have no group.
        wanted: Size of the gold set.
    """

    precision: float
    recall: float
    f1: float
    given: int
    wanted: int


def match(wanted: frozenset[str], given: frozenset[str], wrong: int = 0) -> Match | None:
    """Compare a predicted set with a gold set; None if that is empty.

    Args:
        wanted: Groups of the gold words.
        given: Groups of the predicted words.
        wrong: How many predicted words without a group count as wrong.

    Example:
        >>> match(frozenset(("sad", "mad")), frozenset(("sad",)))
        Match(precision=1.0, recall=0.5, f1=0.6666666666666666, given=1, wanted=2)
    """
    if not wanted:
        return None
    both, size = len(wanted & given), len(given) + wrong
    precision = both / size if size else 0.0
    f1 = 2 * both / (size + len(wanted))
    return Match(precision, both / len(wanted), f1, len(given), len(wanted))


def matches(
    wanted: Sequence[Row], given: Sequence[Row], columns: Iterable[int], wrong: int = 0
) -> list[Match | None]:
    """Compare predicted words with gold words in each of some columns; see `match`."""
    return [match(groups(wanted, column), groups(given, column), wrong) for column in columns]


def ring_maps(rows: Iterable[WheelRow]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the group of each word of a wheel in ring 1 and in ring 2.

    An inner word belongs to the alphabetically first of its middles; a word that stands twice
    belongs where it stands last, inner words before their middles, these before their outers.

    Args:
        rows: In their order.
    """
    tree: dict[str, dict[str, list[str]]] = {}
    for inner, middle, outer in rows:
        tree.setdefault(inner, {}).setdefault(middle, []).append(outer)
    first: dict[str, str] = {}
    second: dict[str, str] = {}
    for inner, middles in tree.items():
        first[inner], second[inner] = inner, min(middles)
        for middle, outers in middles.items():
            for word in (middle, *outers):
                first[word], second[word] = inner, middle
    return first, second

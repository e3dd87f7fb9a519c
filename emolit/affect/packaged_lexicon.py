"""emolit's own emotion words: five published wheels, and words that mean the same as theirs.

The wheels (``assets/wheels``, sources in ``assets/SOURCES.md``) are Plutchik's, Willcox's feeling
wheel, Parrott's tree, the Geneva emotion wheel and Roberts' emotional word wheel. Which words mean
the same, in English and Chinese, and where they stand on each wheel is ours
(``assets/lexicon/concepts.tsv``). Inflected English words go back to their base forms by simplemma,
adverbs in ``-ly`` and nouns in ``-ness`` by a rule of ours.

Differs from the released tables: a word of a wheel stands where the wheel has it, neutral is a
group of its own, and Chinese words are known.
"""

import csv
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

from simplemma import lemmatize

from emolit.affect.lexicon import (
    Lexicon,
    Negated,
    Neutral,
    Row,
    groups,
    longest,
    reaches,
    ring_maps,
)

WHEELS = ("plutchik", "willcox", "parrott", "geneva", "roberts")
POLARITY = {"+": 1, "-": -1, "0": 0}
ENDINGS = (
    ("ily", "y"), ("ally", ""), ("bly", "ble"), ("tly", "tle"), ("ly", ""),
    ("iness", "y"), ("ness", ""),
)  # fmt: skip
"""Endings of adverbs and nouns, and what the adjective has in their place."""
_ENGLISH = re.compile("[a-z][a-z'-]*")
REMEMBERED = 100
"""Characters of the longest text of which it is remembered whether it is a word."""
DOUBTFUL = "?"
"""Marks words that need not speak of emotions in running text, such as "down"."""


class LexiconEntry(NamedTuple):
    """What is known of a word.

    Attributes:
        row: Its groups.
        polarity: 1 pleasant, -1 unpleasant, 0 neither.
        doubtful: Whether it counts in lists only, not in running text.
    """

    row: Row
    polarity: int
    doubtful: bool


class PackagedLexicon(Lexicon):
    """The five wheels ``plutchik``, ``willcox``, ``parrott``, ``geneva`` and ``roberts``.

    Args:
        neutral: What a neutral word is on every wheel: a group of its ``own``, known but in no
            group (``drop``), or ``unknown``.
        negated: Whether words that running text denies, as in "not happy", are named (``keep``) or
            not (``drop``); lists are taken as they are. Ours.
    """

    wheels = WHEELS
    others = ("concept",)
    neutral_words = frozenset(("neutral", "neutrality", "中性", "中立", "无情绪", "没有情绪"))

    def __init__(self, neutral: Neutral = "own", negated: Negated = "keep") -> None:
        super().__init__(neutral)
        self.negated = negated

    @property
    def tag(self) -> str:
        """Which words, and what becomes of denied ones where they are not kept."""
        return "lexicon:emolit" + ("|negated:drop" if self.negated == "drop" else "")

    def find(self, word: str) -> Row | None:
        """Return the groups of a word in lower case, or of its base form; None if unknown."""
        entry = entry_of(word)
        return None if entry is None else entry.row

    def speaks(self, phrase: str) -> bool:
        """Tell whether a phrase speaks of an emotion in running text, which "down" need not."""
        entry = entry_of(phrase)
        return super().speaks(phrase) and (entry is None or not entry.doubtful)

    @property
    def longest(self) -> int:
        """Words of the longest phrase."""
        return _longest()

    def reach(self, word: str) -> int:
        """Return the words of the longest phrase that begins with a word; 1 where none does."""
        return _reaches().get(word.partition("'")[0], 1)

    def polarity(self, word: str) -> int | None:
        """Return 1 for a pleasant emotion, -1 for an unpleasant one, else 0; None if unknown."""
        entry = entry_of(word.lower().strip())
        return None if entry is None else entry.polarity

    def names(self, column: int) -> frozenset[str]:
        """Return all groups of a column."""
        return groups((entry.row for entry in entries().values()), column)


@cache
def _longest() -> int:
    return longest(entries())


@cache
def _reaches() -> dict[str, int]:
    return reaches((*entries(), *PackagedLexicon.neutral_words))


def entry_of(word: str) -> LexiconEntry | None:
    """Return what is known of a word in lower case, inflected or not; None if nothing is.

    What was found is remembered, but not of texts so long that remembering them would fill the
    memory.

    Example:
        >>> entry_of("saddening").row[:2], entry_of("unhappily").polarity, entry_of("tabletop")
        (('sadness', 'sadness'), -1, None)
    """
    return _entry_of(word) if len(word) <= REMEMBERED else _entry_of.__wrapped__(word)


@lru_cache(maxsize=1 << 16)
def _entry_of(word: str) -> LexiconEntry | None:
    known = entries()
    return next(
        (known[form] for form in _forms(word.replace("\u2019", "'")) if form in known), None
    )


def _forms(word: str) -> Iterator[str]:
    """Return a word and its possible base forms, the likeliest first."""
    yield word
    if _ENGLISH.fullmatch(word) is None:
        return
    lemma = lemmatize(word, lang="en").lower()
    yield lemma
    for ending, instead in ENDINGS:
        for form in (word, lemma):
            if form.endswith(ending):
                yield form.removesuffix(ending) + instead


@cache
def entries() -> dict[str, LexiconEntry]:
    """Return every packaged word with what is known of it."""
    rings = [ring for wheel in WHEELS for ring in ring_maps(_wheel(wheel))]
    found = {}
    for line in _lines("lexicon/concepts.tsv"):
        words = [word for part in ("english", "chinese") for word in _split(line[part])]
        places = [line[wheel] for wheel in WHEELS]
        for word in words:
            name = word.removesuffix(DOUBTFUL)
            row = [ring.get(name, ring.get(places[i // 2])) for i, ring in enumerate(rings)]
            concept = words[0].removesuffix(DOUBTFUL)
            polarity = POLARITY[line["polarity"]]
            found[name] = LexiconEntry((*row, concept), polarity, word.endswith(DOUBTFUL))
    return found


def _wheel(name: str) -> list[tuple[str, str, str]]:
    return [
        (line["inner"], line["middle"], line["outer"] or line["middle"])
        for line in _lines(f"wheels/{name}.tsv")
    ]


def _split(cell: str) -> list[str]:
    return [word.strip() for word in cell.split(",") if word.strip()]


def _lines(name: str) -> list[dict[str, Any]]:
    path = resources.files("emolit").joinpath("assets", name)
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))

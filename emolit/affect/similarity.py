"""How alike two emotions are, from 0 to 1: a wheel, a plane, or a matrix of one's own.

A wheel neighbor is no acoustic neighbor (surprise is near to sadness there), so the source is a
setting. Where :func:`markdown` prints the similarities of a label set:

    >>> print(markdown(PlutchikWheel(), ["sad", "disgust", "neutral"]))
    |  | sad | disgust | neutral |
    | --- | --- | --- | --- |
    | sad | 1 | 0.8536 | 0.5 |
    | disgust | 0.8536 | 1 | 0.5 |
    | neutral | 0.5 | 0.5 | 1 |
"""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from emolit.affect.plutchik import NAMES, similarity
from emolit.errors import ConfigError
from emolit.files.table import Row, read_table

MEHRABIAN: Mapping[str, tuple[float, float]] = {
    "joy": (0.81, 0.51),
    "anger": (-0.51, 0.59),
    "sadness": (-0.63, -0.27),
    "fear": (-0.64, 0.60),
    "disgust": (-0.60, 0.35),
    "surprise": (0.40, 0.67),
    "excited": (0.62, 0.75),
    "frustrated": (-0.64, 0.52),
    "boredom": (-0.65, -0.62),
}
"""Mean pleasure and arousal, -1 to 1, of the terms happy, angry, sad, fearful, disgusted,
surprised, excited, frustrated and bored: J. A. Russell and A. Mehrabian, "Evidence for a
three-factor theory of emotions", Journal of Research in Personality 11 (1977), 273-294. Taken from
several public reproductions, which agree; the article itself was not at hand."""


class Similarity(ABC):
    """Compares labels."""

    def of(self, one: str, other: str) -> float:
        """Return the similarity of two labels; a label is like itself, whatever its place.

        Raises:
            ConfigError: A label is unknown here.
        """
        self.check((one, other))
        return 1.0 if one == other else self.between(one, other)

    def check(self, labels: Iterable[str]) -> None:
        """Refuse labels that cannot be compared.

        Raises:
            ConfigError: Some are unknown here; all of them are named.
        """
        missing = sorted({label for label in labels if not self.knows(label)})
        if missing:
            raise ConfigError(
                f"{type(self).__name__} does not know {missing}; add them to its table, or merge "
                "them by the `label_map` of the corpus."
            )

    def knows(self, label: str) -> bool:
        """Tell whether a label can be compared."""
        return True

    @abstractmethod
    def between(self, one: str, other: str) -> float:
        """Return the similarity of two different known labels, 0 to 1."""


class PlutchikWheel(Similarity):
    """``(cos a + 1) / 2`` of the angle a between two emotions on Plutchik's wheel (EMO-RL, eq. 7).

    Joy 0, trust 45, fear 90, surprise 135, sadness 180, disgust 225, anger 270 and anticipation
    315 degrees; happy is joy, angry is anger, and so on. Neutral has no place.

    Args:
        unplaced: The similarity of a label without a place to all others; 1/2 in eq. 7, which
            speaks of neutral. That calm, boredom, contempt and the like are treated so is ours.
        places: Degrees of further labels. Ours, after Plutchik's milder grades and dyads, would be
            ``{calm: 0, excited: 0, boredom: 225, contempt: 247.5}``.

    Raises:
        ConfigError: ``unplaced`` is no similarity.
    """

    def __init__(self, unplaced: float = 0.5, places: dict[str, float] | None = None) -> None:
        self.unplaced = check_bounds(unplaced)
        self.places = places

    def between(self, one: str, other: str) -> float:
        """Return the similarity."""
        return similarity(one, other, self.unplaced, self.places)


class Circumplex(Similarity):
    """``1 - distance / longest`` in the plane of valence and arousal (the formula is ours).

    The distance is Euclidean and the longest one is the diagonal of the square from ``low`` to
    ``high``. Without a file the places are mean ratings of Russell and Mehrabian (1977), by public
    reproductions: happy (.81, .51), angry (-.51, .59), sad (-.63, -.27), fear (-.64, .60), disgust
    (-.60, .35), surprise (.40, .67), excited (.62, .75), frustrated (-.64, .52), boredom (-.65,
    -.62). Neutral, calm, contempt and all others have none.

    Args:
        norms: A table of norms with the columns ``word``, ``valence`` and ``arousal``, CSV, TSV or
            JSONL; None takes those above.
        low: Lower end of both scales.
        high: Upper end of both scales.
        unplaced: The similarity of a label without a place to all others; null refuses such labels.

    Raises:
        ConfigError: The scale or ``unplaced`` is none, or a word stands twice or off the scale.
        CorpusError: The file is no such table.
    """

    def __init__(
        self,
        norms: str | None = None,
        low: float = -1.0,
        high: float = 1.0,
        unplaced: float | None = 0.5,
    ) -> None:
        if low >= high:
            raise ConfigError(f"Circumplex has low {low} and high {high}; choose low < high.")
        self.unplaced = None if unplaced is None else check_bounds(unplaced)
        self.longest = math.dist((low, low), (high, high))
        self.places = MEHRABIAN if norms is None else _norms(Path(norms))
        for word, place in self.places.items():
            if not all(low <= value <= high for value in place):
                raise ConfigError(
                    f"Circumplex has {word!r} at {place}, off its scale of {low} to {high}; set "
                    "`low` and `high` to the scale of the norms."
                )

    def place(self, label: str) -> tuple[float, float] | None:
        """Return valence and arousal of a label, or of the emotion that it means; else None."""
        return self.places.get(label, self.places.get(NAMES.get(label, label)))

    def between(self, one: str, other: str) -> float:
        """Return the similarity."""
        first, second = self.place(one), self.place(other)
        if first is None or second is None:
            return self.unplaced or 0.0
        return 1 - math.dist(first, second) / self.longest

    def knows(self, label: str) -> bool:
        """Tell whether a label has a place or needs none."""
        return self.unplaced is not None or self.place(label) is not None


class SimilarityMatrix(Similarity):
    """Similarities out of a table of one's own.

    Its first column is called ``label``; the others, and its rows, are the labels, in any order.
    The row is the answer, the column is the target; where both ways differ a warning says so. The
    diagonal does not count: a label is like itself.

    Args:
        path: CSV or TSV.

    Raises:
        ConfigError: Rows and columns are not the same labels, or an entry is no number from 0 to 1.
        CorpusError: The file is no table.
    """

    def __init__(self, path: str) -> None:
        rows = _table(Path(path), ("label",))
        columns = [name for name in rows[0].fields if name != "label"]
        labels = [row.required("label") for row in rows]
        twice = {label for label in labels if labels.count(label) > 1}
        odd = sorted(twice.union(set(columns) ^ set(labels)))
        if odd:
            raise ConfigError(
                f"The similarity matrix {path} is not square: {odd} must stand once as a row and "
                "once as a column."
            )
        self.values = {
            (label, name): check_bounds(_number(row, name))
            for label, row in zip(labels, rows, strict=True)
            for name in columns
        }
        uneven = [pair for pair in self.values if self.values[pair] != self.values[pair[::-1]]]
        if uneven:
            one, other = uneven[0]
            warnings.warn(
                f"The similarity matrix {path} is not symmetric: {one!r} to {other!r} is "
                f"{self.values[one, other]:g}, {other!r} to {one!r} {self.values[other, one]:g}.",
                stacklevel=2,
            )

    def between(self, one: str, other: str) -> float:
        """Return the similarity."""
        return self.values[one, other]

    def knows(self, label: str) -> bool:
        """Tell whether the matrix has a label."""
        return (label, label) in self.values


def markdown(source: Similarity, labels: Sequence[str]) -> str:
    """Return the similarities of a label set as a Markdown table, to four digits."""
    rows = [(one, *(f"{round(source.of(one, other), 4):g}" for other in labels)) for one in labels]
    lines = [("", *labels), ("---",) * (len(labels) + 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def check_bounds(value: float) -> float:
    """Return a similarity as it is.

    Raises:
        ConfigError: It is not from 0 to 1.
    """
    if not 0 <= value <= 1:
        raise ConfigError(f"A similarity is from 0 to 1, not {value}; mend the setting.")
    return value


def _table(path: Path, columns: tuple[str, ...]) -> list[Row]:
    if not path.is_file():
        raise ConfigError(f"There is no table of similarities at {path}; mend the path.")
    return read_table(path, columns)


def _norms(path: Path) -> dict[str, tuple[float, float]]:
    """Return the place of each word, and of the emotion that it means if that has no row."""
    rows = _table(path, ("word", "valence", "arousal"))
    places: dict[str, tuple[float, float]] = {}
    for row in rows:
        word = row.required("word")
        if word in places:
            raise row.error(f"{word!r} stands there a second time", "Keep one row for each word.")
        places[word] = (_number(row, "valence"), _number(row, "arousal"))
    meant = {NAMES.get(word, word): place for word, place in reversed(places.items())}
    return meant | places


def _number(row: Row, column: str) -> float:
    """Return a field as a number."""
    try:
        value = float(row.required(column))
    except ValueError as error:
        raise row.error(f"{column!r} is no number", "Write one.") from error
    if not math.isfinite(value):
        raise row.error(f"{column!r} is {value}", "Write a finite number.")
    return value

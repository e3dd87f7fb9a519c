"""A row of a check: what was measured, what stands beside it, or why there is nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from emolit.errors import EmolitError

FAILURES = (EmolitError, RuntimeError, OSError, ImportError, ValueError)
"""What stops a part and not the check: errors of ours, CUDA out of memory, a missing library."""


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        part: Of the check.
        what: Was measured.
        value: None where it cannot be measured here; the note says why.
        unit: Of value and `beside`.
        beside: What it is compared with, such as a plan or a bound.
        note: A sentence about it.
    """

    part: str
    what: str
    value: float | None
    unit: str = ""
    beside: float | None = None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the row as texts."""
        shown = ("" if number is None else f"{number:.4g}" for number in (self.value, self.beside))
        return (self.part, self.what, *shown, self.unit, self.note)


def guarded(part: str, measure: Callable[[], Iterator[Row]]) -> list[Row]:
    """Return the rows of a part; what stops it becomes its last row."""
    rows: list[Row] = []
    try:
        rows.extend(measure())
    except FAILURES as error:
        text = str(error).strip().splitlines() or [""]
        rows.append(Row(part, "stopped", None, note=f"{type(error).__name__}: {text[0]}"))
    return rows

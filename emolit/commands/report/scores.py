"""The scores of several runs as tables, and their confusions as cells."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from emolit.callbacks.pictures import cell
from emolit.engine.weights.selection import start_note
from emolit.metrics.confusion import normalize_rows
from emolit.reporting.tables import (
    ScoreTable,
    classes_table,
    open_answers_table,
    parts_table,
    scores_table,
)

COUNTS = ("n", "cropped", "outside")
"""Numbers of a corpus in ``scores.json`` that are no scores."""
LABELS, PARTS = "per_class", ("restricted", "signatures", "dropped")
"""Scores by label, and what is no table of scores by part."""
Scores = Mapping[str, dict[str, Any]]
"""``scores.json`` by run."""


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix.

    Attributes:
        title: Run and corpus.
        labels: Of rows and columns; behind these stands the column of unreadable answers.
        rows: A cell each: what stands in it, and its share of the row, 0 to 1.
    """

    title: str
    labels: tuple[str, ...]
    rows: tuple[tuple[tuple[str, float], ...], ...]


def entries_of(scores: Scores) -> list[dict[str, Any]]:
    """Return one entry for each run and corpus."""
    return [
        {"run": run, "corpus": corpus, "split": found["split"], **entry}
        for run, found in scores.items()
        for corpus, entry in found["corpora"].items()
    ]


def score_tables(scores: Scores) -> list[ScoreTable]:
    """Return the main table of labels and of open answers, and those by class and by part."""
    closed = entries_of({run: each for run, each in scores.items() if each["labels"]})
    free = entries_of({run: each for run, each in scores.items() if not each["labels"]})
    found = []
    if closed:
        main = scores_table("Scores", closed, ("run", "corpus", "split"))
        found.append(ScoreTable(main.title, main.header, main.rows, (*main.notes, *starts(scores))))
    for entry in free:
        title = f"Scores, {entry['run']}, {entry['split']}"
        names = [name for name, value in entry.items() if is_score(name, value)]
        found.append(open_answers_table(title, [entry], names))
    found += [
        classes_table(f"{entry['run']}, {entry['corpus']} by label", entry)
        for entry in closed
        if LABELS in entry
    ]
    for entry in free:
        found += [
            parts_table(f"{entry['run']}, {entry['corpus']}, {name}", parts)
            for name, parts in entry.items()
            if is_parts(name, parts)
        ]
    return found


def starts(scores: Scores) -> Iterator[str]:
    """Yield which runs were tested with weights that are their start."""
    for run, found in scores.items():
        if note := start_note(found.get("checkpoint")):
            yield f"{run}: {note}"


def is_score(name: str, value: object) -> bool:
    """Tell whether a key of a corpus holds one score."""
    return name not in COUNTS and (value is None or type(value) in (int, float))


def is_parts(name: str, value: object) -> bool:
    """Tell whether a key of a corpus holds scores by part, such as a wheel."""
    return (
        name not in PARTS
        and isinstance(value, dict)
        and bool(value)
        and all(isinstance(part, dict) for part in value.values())
    )


def confusions_of(scores: Scores) -> list[Matrix]:
    """Return the confusion of each run and corpus with closed labels."""
    return [
        matrix_of(
            f"{entry['run']} on {entry['corpus']}", tuple(scores[entry["run"]]["labels"]), entry
        )
        for entry in entries_of(scores)
        if entry.get("confusion")
    ]


def matrix_of(title: str, labels: tuple[str, ...], entry: Mapping[str, Any]) -> Matrix:
    """Return a confusion matrix as cells."""
    counts = torch.tensor(entry["confusion"])
    shares = normalize_rows(counts).tolist()
    rows = tuple(
        tuple(
            (cell(n, share), 0.0 if share != share else share)
            for n, share in zip(*row, strict=True)
        )
        for row in zip(counts.tolist(), shares, strict=True)
    )
    return Matrix(title, labels, rows)

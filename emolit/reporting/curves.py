"""The curves of a run, from the event files of TensorBoard or from the tables of CSVLogger.

A run that was resumed, or begun anew in its folder, has several files. The later one holds from its
first step on, as TensorBoard shows it.
"""

import csv
import math
import re
from collections.abc import Iterator
from pathlib import Path

from emolit.reporting.run import by_number, left_by_loggers

Points = list[tuple[int, float]]
"""Step and value, by step."""
Curves = dict[str, Points]
"""Points by the name of the curve."""
EVENTS = "events.out.tfevents.*"
TABLE = "metrics.csv"
SILENT = re.compile(r"(test/.*|.*epoch|hp_metric)")
"""Curves that are none: scores of a test, and counters."""


def read_curves(folder: Path) -> Curves:
    """Return the curves of a run by name; none where it has logged to no file.

    Args:
        folder: Of the run; its loggers write below it.
    """
    files = [path for name in (EVENTS, TABLE) for path in left_by_loggers(folder, name)]
    found: Curves = {}
    for path in sorted(files, key=lambda path: (by_number(path), path.name)):
        read = read_table(path) if path.name == TABLE else read_events(path)
        for name, points in read.items():
            if points and not SILENT.fullmatch(name):
                before = [point for point in found.get(name, []) if point[0] < points[0][0]]
                found[name] = [*before, *points]
    return found


def read_events(path: Path) -> Curves:
    """Return the scalars of an event file; values that are not finite are left out."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    kept = dict.fromkeys(("images", "audio", "histograms", "compressedHistograms", "tensors"), 1)
    board = EventAccumulator(str(path), {**kept, "scalars": 0}).Reload()
    return {
        name: in_order((event.step, event.value) for event in board.Scalars(name))
        for name in board.Tags()["scalars"]
    }


def read_table(path: Path) -> Curves:
    """Return the columns of a table with a column ``step``; empty cells are left out."""
    found: dict[str, Points] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for name, text in row.items():
                if name != "step" and text:
                    found.setdefault(name, []).append((int(row["step"]), float(text)))
    return {name: in_order(iter(points)) for name, points in found.items()}


def in_order(points: Iterator[tuple[int, float]]) -> Points:
    """Return finite points by step, one a step: the last that was written.

    Example:
        >>> in_order(iter([(2, 1.0), (1, 3.0), (2, 5.0), (3, float("nan"))]))
        [(1, 3.0), (2, 5.0)]
    """
    return sorted({step: value for step, value in points if math.isfinite(value)}.items())

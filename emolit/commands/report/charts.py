"""Curves of several runs as lines of an SVG: numbers become places, and nothing else is drawn."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from emolit.reporting.curves import Curves, Points
from emolit.reporting.tables import number

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Of the runs in turn; people who confuse red and green tell them apart (Okabe and Ito)."""
WIDTH, HEIGHT = 320.0, 160.0
"""Of the area that lines are drawn in."""
MOST = 400
"""Points of a line; more could not be told apart."""
FIRST = ("train/reward", "train/loss", "train/kl")
"""Curves that are shown first, behind the score that was monitored."""


@dataclass(frozen=True)
class Line:
    """What one run drew.

    Attributes:
        run: Its name.
        color: As CSS has it.
        points: As ``points`` of an SVG polyline has them.
        single: Whether it is one point, which a line would not show.
        last: The last value, as text.
    """

    run: str
    color: str
    points: str
    single: bool
    last: str


@dataclass(frozen=True)
class Chart:
    """One curve of all runs that have it.

    Attributes:
        name: Of the curve.
        lines: One a run.
        low: The least value, as text.
        high: The greatest.
        first: The first step.
        last: The last.
    """

    name: str
    lines: tuple[Line, ...]
    low: str
    high: str
    first: int
    last: int


def draw_charts(curves: Mapping[str, Curves], first: Sequence[str]) -> list[Chart]:
    """Return a chart for each curve that some run has.

    Args:
        curves: By run.
        first: Names of curves that come first, where they are there.
    """
    known = dict.fromkeys(name for each in curves.values() for name in each)
    names = dict.fromkeys([*(name for name in first if name in known), *sorted(known)])
    return [draw(name, curves) for name in names]


def draw(name: str, curves: Mapping[str, Curves]) -> Chart:
    """Return the chart of a curve."""
    colors = {run: COLORS[index % len(COLORS)] for index, run in enumerate(curves)}
    found = {run: each[name] for run, each in curves.items() if name in each}
    steps = [step for points in found.values() for step, _ in points]
    values = [value for points in found.values() for _, value in points]
    across, up = (min(steps), max(steps)), (min(values), max(values))
    lines = tuple(
        Line(
            run,
            colors[run],
            " ".join(places(thin_out(points), across, up)),
            len(points) == 1,
            number(points[-1][1]),
        )
        for run, points in found.items()
    )
    return Chart(name, lines, number(up[0]), number(up[1]), *across)


def thin_out(points: Points) -> Points:
    """Return every so many of the points, the last of all among them."""
    every = math.ceil(len(points) / MOST)
    return points[::-1][::every][::-1]


def places(points: Points, across: tuple[int, int], up: tuple[float, float]) -> Iterator[str]:
    """Yield where points lie, with the greatest value on top.

    Example:
        >>> list(places([(0, 1.0), (10, 3.0)], (0, 10), (1.0, 3.0)))
        ['0,160', '320,0']
    """
    for step, value in points:
        yield f"{WIDTH * share(step, *across):.4g},{HEIGHT * (1 - share(value, *up)):.4g}"


def share(value: float, low: float, high: float) -> float:
    """Return where a value lies between two others, 0 to 1; halfway where those are one."""
    return (value - low) / (high - low) if high > low else 0.5

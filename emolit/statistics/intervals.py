"""How far a test score could have come out otherwise: percentile bootstrap over speakers.

Clips of one speaker resemble each other, so that whole speakers are drawn, not clips
(Field and Welsh 2007, https://doi.org/10.1111/j.1467-9868.2007.00593.x). Only numpy is needed:
`scipy.stats.bootstrap` would hold the tables of all drawn speakers, where one sum a draw is enough;
the tests hold it beside ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 5
"""With fewer clusters than this an interval is printed with a remark."""

Array = NDArray[Any]


@dataclass(frozen=True)
class Interval:
    """A bootstrap interval and what it rests on.

    Attributes:
        low: Lower end; None where no interval exists.
        high: Upper end; None where no interval exists.
        level: Share of the bootstrap scores between the ends.
        unit: What was drawn: ``speakers`` or ``clips``.
        clusters: How many of them there are.
        resamples: B, how often they were drawn.
        seed: Of the draws.
        remark: What a reader must know; None when nothing.
    """

    low: float | None
    high: float | None
    level: float
    unit: str
    clusters: int
    resamples: int
    seed: int
    remark: str | None


def bootstrap(
    statistics: Array,
    score: Callable[[Array], Array],
    unit: str = "speakers",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the percentile interval of a score over resampled clusters.

    B times, as many clusters as there are get drawn with replacement; a cluster drawn twice counts
    twice; the score is computed anew from the sum of the clusters' statistics.

    Args:
        statistics: What adds up over clusters, for example counts. ``[C, ...]``
        score: Computes one score for each sum. ``[B, ...]`` -> ``[B]``
        unit: What a cluster is, for the remark.
        resamples: B.
        seed: Of the draws.
        level: Share of the bootstrap scores between the ends.

    Returns:
        The interval, with a remark where there are fewer than five clusters or where they are
        clips; without ends where there is a single one.

    Raises:
        ValueError: There are no clusters.
    """
    clusters = len(statistics)
    if clusters == 0:
        raise ValueError("A bootstrap needs at least one cluster; there are none to draw from.")
    low, high = None, None
    if clusters > 1:
        scores = score(resample(statistics, resamples, seed))
        tails = [(1 - level) / 2, (1 + level) / 2]
        low, high = (float(end) for end in np.quantile(scores, tails))
    return Interval(low, high, level, unit, clusters, resamples, seed, remark(clusters, unit))


def resample(statistics: Array, resamples: int, seed: int) -> Array:
    """Sum C clusters drawn with replacement, B times. ``[C, ...]`` -> ``[B, ...]``.

    The sums are taken in float64, which is exact for counts and far faster than in integers.
    """
    draws = np.random.default_rng(seed)
    clusters = len(statistics)
    flat = statistics.reshape(clusters, -1).astype(np.float64)
    sums = np.empty((resamples, flat.shape[1]))
    for row in sums:
        times = np.bincount(draws.integers(clusters, size=clusters), minlength=clusters)
        row[:] = times @ flat
    return sums.reshape(resamples, *statistics.shape[1:]).astype(statistics.dtype)


def remark(clusters: int, unit: str) -> str | None:
    """Say what a reader must know about an interval; None when nothing.

    Example:
        >>> remark(4, "speakers")
        'unreliable: only 4 speakers'
        >>> remark(20, "clips")
        'speakers unknown: clips were drawn'
    """
    notes = ["speakers unknown: clips were drawn"] if unit == "clips" else []
    if clusters == 1:
        notes.append(f"no interval: a single {unit.removesuffix('s')}")
    elif clusters < FEWEST:
        notes.append(f"unreliable: only {clusters} {unit}")
    return "; ".join(notes) or None


def cluster(speakers: Sequence[str | None]) -> tuple[list[int], str]:
    """Number the clips by speaker; every clip by itself where a speaker is unknown.

    Returns:
        The cluster index of each clip, in order of first appearance, and what a cluster is.

    Example:
        >>> cluster(["anna", "bert", "anna"])
        ([0, 1, 0], 'speakers')
        >>> cluster(["anna", None])
        ([0, 1], 'clips')
    """
    if any(speaker is None for speaker in speakers):
        return list(range(len(speakers))), "clips"
    order = {speaker: index for index, speaker in enumerate(dict.fromkeys(speakers))}
    return [order[speaker] for speaker in speakers], "speakers"

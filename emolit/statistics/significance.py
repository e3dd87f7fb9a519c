"""Whether two runs on the same clips differ: McNemar, randomization, paired bootstrap, Holm.

Clips of one speaker resemble each other, so that whole speakers are swapped or drawn, not clips.
Answers are class indices, -1 where unreadable. What a score needs of a speaker are his counts of
answers by truth, unreadable ones in the last column, so a draw costs a sum of small matrices::

    ua = significance.randomization(grpo, sft, truth, speakers, unweighted_recall)

where the score takes counts ``[B, K, K+1]`` to ``[B]``. Scores that are no function of such counts
(a mean of per-clip values) go through `swapped` and `paired`, which take any statistics that add
up over clusters.

Only numpy is needed: scipy and statsmodels, which no dependency brings, are over 110 MB and seconds
of import in place of ten lines of arithmetic for McNemar and Holm, and `permutation_test` would
hold the tables of all speakers in all draws; the tests hold scipy beside ours.

Sources: exact McNemar test (McNemar 1947, https://doi.org/10.1007/BF02295996, with the binomial in
place of chi-square); randomization (Noreen 1989, "Computer-Intensive Methods for Testing
Hypotheses"; the 1 in both parts of p keeps it above 0); Holm 1979 (https://www.jstor.org/stable/4615733).
"""

from collections.abc import Callable, Sequence

import numpy as np

from emolit.statistics.intervals import Array, Interval, bootstrap, cluster

Score = Callable[[Array], Array]
"""Computes one score for each sum of statistics. ``[B, ...]`` -> ``[B]``"""

UNREADABLE = -1
"""Stands for an unreadable answer."""
TOLERANCE = 1e-12
"""Differences that differ by no more are equal: swapping everyone must count as the observed."""
BLOCK = 1 << 22
"""Most coins that are tossed at once."""


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Return the exact two-sided p of McNemar's test: is one run right more often than the other?

    Of the clips that just one run has right, each could as well be the other's: b against c is a
    fair coin. It treats clips as independent of each other; `randomization` does not.

    Args:
        first: Whether the first run has each clip right.
        second: The same of the second run, clips in the same order.

    Returns:
        p; 1 where the runs are right on the same clips.

    Raises:
        ValueError: The runs have different numbers of clips.

    Example:
        >>> round(mcnemar([True] * 12 + [False] * 4, [False] * 12 + [True] * 4), 5)
        0.07681
    """
    _same_length(first=first, second=second)
    only_first = sum(bool(a) and not b for a, b in zip(first, second, strict=True))
    only_second = sum(bool(b) and not a for a, b in zip(first, second, strict=True))
    tosses = only_first + only_second
    tail, ways = 0, 1  # ways = C(tosses, i), in whole numbers: exact for any count
    for i in range(min(only_first, only_second) + 1):
        tail += ways
        ways = ways * (tosses - i) // (i + 1)
    return min(1.0, 2 * tail / (1 << tosses))


def holm(values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being several, in their order (Holm 1979).

    The i-th smallest of m becomes the largest of ``min(1, (m - j + 1) p_j)`` over j <= i.

    Raises:
        ValueError: A value is not in [0, 1].

    Example:
        >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03, 0.005])]
        [0.03, 0.06, 0.06, 0.02]
    """
    wrong = [value for value in values if not 0 <= value <= 1]
    if wrong:
        raise ValueError(f"A p-value is {wrong[0]}; give numbers between 0 and 1.")
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=lambda index: values[index])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = largest
    return adjusted


def randomization(
    first: Sequence[int],
    second: Sequence[int],
    truth: Sequence[int],
    groups: Sequence[str | None],
    score: Score,
    draws: int = 10_000,
    seed: int = 0,
) -> float:
    """Return the two-sided p of a difference in score, by swapping the runs speaker by speaker.

    Args:
        first: Answers of one run as class indices, -1 where unreadable. One a clip.
        second: Answers of the other run, clips in the same order.
        truth: Class indices.
        groups: Who speaks; where one is None, every clip is its own cluster.
        score: Of counts of answers by truth. ``[B, K, K+1]`` -> ``[B]``
        draws: R.
        seed: Of the draws.

    Raises:
        ValueError: Lengths differ, there are no clips, or a truth is no class.
    """
    both, _ = _counts(first, second, truth, groups)
    return permutation_test(both[:, 0], both[:, 1], score, draws, seed)


def difference(
    first: Sequence[int],
    second: Sequence[int],
    truth: Sequence[int],
    groups: Sequence[str | None],
    score: Score,
    draws: int = 1000,
    seed: int = 0,
) -> Interval:
    """Return the 95% bootstrap interval of ``score(first) - score(second)`` over speakers.

    Both runs are scored on the same draw of speakers. Arguments and errors are those of
    `randomization`.
    """
    both, unit = _counts(first, second, truth, groups)
    return paired_bootstrap(both[:, 0], both[:, 1], score, unit, draws, seed)


def permutation_test(
    first: Array, second: Array, score: Score, draws: int = 10_000, seed: int = 0
) -> float:
    """Return the two-sided p of a difference in score: each cluster swaps with probability 1/2.

    ``p = (1 + #{|d*| >= |d|}) / (1 + R)``. With C clusters p cannot be far below ``2 / 2^C``:
    four speakers never make a difference significant.

    Args:
        first: What adds up over clusters, of one run. ``[C, ...]``
        second: The same of the other run. ``[C, ...]``
        score: Computes one score for each sum. ``[B, ...]`` -> ``[B]``
        draws: R.
        seed: Of the draws.

    Raises:
        ValueError: Shapes differ or there are no clusters.
    """
    _same_shape(first, second)
    one, other = (side.astype(np.float64).sum(0)[None] for side in (first, second))
    observed = abs(score(one) - score(other))[0] - TOLERANCE
    change = (second.astype(np.float64) - first).reshape(len(first), -1)
    random, extreme = np.random.default_rng(seed), 0
    step = max(1, BLOCK // len(first))
    for start in range(0, draws, step):
        coins = random.integers(2, size=(min(step, draws - start), len(first)), dtype=np.int8)
        moved = (coins @ change).reshape(-1, *first.shape[1:])
        extreme += int((abs(score(one + moved) - score(other - moved)) >= observed).sum())
    return (1 + extreme) / (1 + draws)


def paired_bootstrap(
    first: Array, second: Array, score: Score, unit: str, draws: int = 1000, seed: int = 0
) -> Interval:
    """Return the 95% bootstrap interval of ``score(first) - score(second)`` over clusters.

    Args:
        first: What adds up over clusters, of one run. ``[C, ...]``
        second: The same of the other run. ``[C, ...]``
        score: Computes one score for each sum. ``[B, ...]`` -> ``[B]``
        unit: What a cluster is, for the remark.
        draws: B.
        seed: Of the draws.

    Raises:
        ValueError: Shapes differ or there are no clusters.
    """
    _same_shape(first, second)

    def gap(sums: Array) -> Array:
        return score(sums[:, 0]) - score(sums[:, 1])

    return bootstrap(np.stack([first, second], 1), gap, unit, draws, seed)


def confusions(
    answers: Sequence[int], truth: Sequence[int], clusters: Sequence[int], num_classes: int
) -> Array:
    """Count answers by truth in each cluster, unreadable ones in the last column.

    Args:
        answers: Class indices, -1 where unreadable.
        truth: Class indices.
        clusters: Which cluster each clip belongs to, counted from 0.
        num_classes: K.

    Returns:
        ``[C, K, K+1]`` int64

    Example:
        >>> confusions([0, -1, 1], [0, 0, 1], [0, 0, 1], 2).tolist()
        [[[1, 0, 1], [0, 0, 0]], [[0, 0, 0], [0, 1, 0]]]
    """
    counts = np.zeros((max(clusters) + 1, num_classes, num_classes + 1), dtype=np.int64)
    columns = np.where(np.asarray(answers) == UNREADABLE, num_classes, answers)
    np.add.at(counts, (np.asarray(clusters), np.asarray(truth), columns), 1)
    return counts


def _counts(
    first: Sequence[int],
    second: Sequence[int],
    truth: Sequence[int],
    groups: Sequence[str | None],
) -> tuple[Array, str]:
    """Return both runs' counts by cluster ``[C, 2, K, K+1]`` and what a cluster is."""
    _same_length(first=first, second=second, truth=truth, groups=groups)
    if len(truth) == 0:
        raise ValueError("There are no clips to compare two runs on.")
    if min(truth) < 0 or min(*first, *second) < UNREADABLE:
        raise ValueError(
            "Truths are class indices from 0 on and answers from -1 (unreadable) on, but a truth "
            f"is {min(truth)} and the least answer {min(*first, *second)}."
        )
    clusters, unit = cluster(groups)
    num_classes = 1 + max(*first, *second, *truth)
    both = [confusions(answers, truth, clusters, num_classes) for answers in (first, second)]
    return np.stack(both, 1), unit


def _same_length(**sides: Sequence[object]) -> None:
    """Refuse sequences that do not speak of the same clips."""
    lengths = {name: len(side) for name, side in sides.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"Two runs are compared clip by clip, but the lengths are {lengths}; "
            "give both the answers to the same clips in the same order."
        )


def _same_shape(first: Array, second: Array) -> None:
    """Refuse statistics that cannot be those of two runs on the same clusters."""
    if first.shape != second.shape or len(first) == 0:
        raise ValueError(
            f"The statistics have the shapes {first.shape} and {second.shape}; give one row for "
            "each cluster, the same clusters in both, and at least one."
        )

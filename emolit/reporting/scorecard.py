"""The scores of one run on one corpus from its answers, with 95% intervals by speaker.

For whoever has answers and no evaluator: files of predictions, and answers that were restricted to
the labels of a corpus.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from emolit.metrics.accuracy import accuracy
from emolit.metrics.base import recall
from emolit.metrics.distribution import choose_among
from emolit.metrics.foreign import foreign
from emolit.metrics.macro_f1 import macro_f1
from emolit.metrics.readable import parse_rate
from emolit.metrics.unweighted_recall import unweighted_recall
from emolit.metrics.weighted_f1 import weighted_f1
from emolit.statistics.intervals import Array, bootstrap, cluster
from emolit.statistics.significance import Score, confusions

SCORES = {
    "UA": unweighted_recall,
    "WA": accuracy,
    "macro_F1": macro_f1,
    "weighted_F1": weighted_f1,
    "parse_rate": parse_rate,
    "foreign_rate": foreign,
}
"""Score name to its function of counts of answers by truth."""
BOUNDED = ("UA", "WA", "macro_F1")
"""Scores that get an interval."""


def of_arrays(name: str) -> Score:
    """Return a score as a function of numpy counts. ``[B, K, K+1]`` -> ``[B]``."""
    score = SCORES[name]

    def computed(counts: Array) -> Array:
        return score(torch.from_numpy(counts)).numpy()

    return computed


def scorecard(
    labels: Sequence[str],
    answers: Sequence[int],
    targets: Sequence[int],
    speakers: Sequence[str | None],
    resamples: int = 1000,
) -> dict[str, Any]:
    """Return the scores as they go into JSON.

    Args:
        labels: K names, in class order.
        answers: Class indices, -1 where unreadable. One a clip.
        targets: Class indices.
        speakers: Who speaks; where one is None, every clip is drawn by itself.
        resamples: How often speakers are drawn for an interval.

    Returns:
        ``n``, each score by name, ``<score>_interval``, ``recall`` by label (None for a label that
        no clip has) and ``confusion`` ``[K, K+1]``, unreadable answers in the last column.

    Raises:
        ValueError: There are no clips.
    """
    if not targets:
        raise ValueError("There are no clips to score; test the run on this corpus first.")
    clusters, unit = cluster(speakers)
    counts = confusions(answers, targets, clusters, len(labels))
    whole = torch.from_numpy(counts.sum(0))
    by_label = zip(labels, recall(whole).tolist(), strict=True)
    return {
        "n": len(targets),
        **{name: float(score(whole)) for name, score in SCORES.items()},
        **{
            f"{name}_interval": asdict(bootstrap(counts, of_arrays(name), unit, resamples))
            for name in BOUNDED
        },
        "recall": {label: None if value != value else value for label, value in by_label},
        "confusion": whole.tolist(),
    }


def restricted_answers(probabilities: Sequence[Sequence[float]], targets: Sequence[int]) -> Tensor:
    """Return the most probable label of each clip among those that some clip has.

    Args:
        probabilities: A distribution over K labels a clip. ``[N, K]``
        targets: Class indices. ``[N]``

    Returns:
        Class indices. ``[N]`` int64
    """
    rows = torch.tensor(probabilities, dtype=torch.float64)
    present = torch.zeros(rows.shape[1], dtype=torch.bool)
    present[torch.tensor(targets)] = True
    return choose_among(rows, present)

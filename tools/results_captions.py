"""Scores of captions that add up over clips, so that they can have intervals and tests.

They are computed from the predictions that a test has written, with the tokens that the signatures
in its ``scores.json`` name. CIDEr-D keeps the document frequencies of all tested clips, whichever
of them a draw holds. Distinct and the vocabulary belong to a whole output, METEOR to another
library: they have none.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from emolit.intervals import Array
from emolit.metrics.bleu import bleu, bleu_counts
from emolit.metrics.cider_d import Frequencies, cider_d
from emolit.metrics.emotion_set_f1 import emotion_set_scores, tally
from emolit.metrics.rouge_l import rouge_l
from emolit.tokenizer import tokenizer
from emolit.wheel_score import WheelScore

Lines = Sequence[Mapping[str, Any]]


class Split(NamedTuple):
    """Captions of N clips and their references, as tokens."""

    captions: list[list[str]]
    references: list[list[list[str]]]


class Score(NamedTuple):
    """A score that adds up.

    Attributes:
        statistics: Of N lines of predictions and their tokens. ``[N, ...]``
        value: Of sums of these. ``[B, ...]`` -> ``[B]``
    """

    statistics: Callable[[Lines, Split], Array]
    value: Callable[[Array], Array]


def mean(sums: Array) -> Array:
    """Return sums over numbers. ``[B, 2]`` -> ``[B]``."""
    return sums[:, 0] / sums[:, 1]


def emotions(lines: Lines, split: Split) -> Array:
    """Return how the emotions of each caption meet those of its references. ``[N, W, 3]``."""
    ew = WheelScore()
    return np.stack([tally(ew, line["answer"], line["captions"]) for line in lines])


def matches(lines: Lines, split: Split) -> Array:
    """Return the counts of BLEU. ``[N, 10]``."""
    return np.stack([bleu_counts(*pair) for pair in zip(*split, strict=True)])


def subsequences(lines: Lines, split: Split) -> Array:
    """Return ROUGE-L and 1. ``[N, 2]``."""
    return np.array([(rouge_l(*pair), 1) for pair in zip(*split, strict=True)])


def rare(lines: Lines, split: Split) -> Array:
    """Return CIDEr-D and 1. ``[N, 2]``."""
    known = Frequencies.of(split.references)
    return np.array([(cider_d(*pair, known), 1) for pair in zip(*split, strict=True)])


SCORES = {
    "emotion_set_F1": Score(emotions, lambda sums: emotion_set_scores(sums)[..., 2]),
    "BLEU_4": Score(matches, lambda sums: bleu(sums)[..., 3]),
    "ROUGE_L": Score(subsequences, mean),
    "CIDEr_D": Score(rare, mean),
}


def statistics(name: str, lines: Lines, signature: str, clusters: Sequence[int]) -> Array:
    """Return what a score is made of in each cluster. ``[C, ...]``.

    Args:
        name: Of `SCORES`.
        lines: Of predictions.
        signature: Of the corpus's BLEU-4, which names the tokens.
        clusters: Of each line.
    """
    found = re.search(r"\|tok:([^|]+)", signature)
    tokens = tokenizer(found[1] if found else "")
    split = Split(
        [tokens(line["answer"] or "") for line in lines],
        [[tokens(text) for text in line["captions"]] for line in lines],
    )
    each = SCORES[name].statistics(lines, split)
    sums = np.zeros((max(clusters) + 1, *each.shape[1:]))
    np.add.at(sums, list(clusters), each)
    return sums

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

from emolit.affect.wheel_score import WheelScore
from emolit.metrics.bleu import bleu, bleu_counts
from emolit.metrics.cider_d import Frequencies, cider_d
from emolit.metrics.emotion_set_f1 import emotion_set_scores, match_sets
from emolit.metrics.rouge_l import rouge_l
from emolit.statistics.intervals import Array
from emolit.text.tokenizer import tokenizer


class Caption(NamedTuple):
    """A caption, None where unreadable, and its references; as texts and as tokens."""

    text: str | None
    references: list[str]
    tokens: list[str]
    reference_tokens: list[list[str]]


class Score(NamedTuple):
    """A score that adds up.

    Attributes:
        statistics: Of N captions. ``[N, ...]``
        value: Of sums of these. ``[B, ...]`` -> ``[B]``
    """

    statistics: Callable[[Sequence[Caption]], Array]
    value: Callable[[Array], Array]


def mean(sums: Array) -> Array:
    """Return sums over numbers. ``[B, 2]`` -> ``[B]``."""
    return sums[:, 0] / sums[:, 1]


def emotions(captions: Sequence[Caption]) -> Array:
    """Return how the emotions of each caption meet those of its references. ``[N, W, 3]``."""
    ew = WheelScore()
    return np.stack([match_sets(ew, each.text, each.references) for each in captions])


def matches(captions: Sequence[Caption]) -> Array:
    """Return the counts of BLEU. ``[N, 10]``."""
    return np.stack([bleu_counts(each.tokens, each.reference_tokens) for each in captions])


def subsequences(captions: Sequence[Caption]) -> Array:
    """Return ROUGE-L and 1. ``[N, 2]``."""
    return np.array([(rouge_l(each.tokens, each.reference_tokens), 1) for each in captions])


def rare(captions: Sequence[Caption]) -> Array:
    """Return CIDEr-D and 1. ``[N, 2]``."""
    known = Frequencies.count(each.reference_tokens for each in captions)
    return np.array([(cider_d(each.tokens, each.reference_tokens, known), 1) for each in captions])


SCORES = {
    "emotion_set_F1": Score(emotions, lambda sums: emotion_set_scores(sums)[..., 2]),
    "BLEU_4": Score(matches, lambda sums: bleu(sums)[..., 3]),
    "ROUGE_L": Score(subsequences, mean),
    "CIDEr_D": Score(rare, mean),
}


def statistics(
    name: str, lines: Sequence[Mapping[str, Any]], signature: str, clusters: Sequence[int]
) -> Array:
    """Return what a score is made of in each cluster. ``[C, ...]``.

    Args:
        name: Of `SCORES`.
        lines: Of predictions.
        signature: Of the corpus's BLEU-4, which names the tokens.
        clusters: Of each line.
    """
    found = re.search(r"\|tok:([^|]+)", signature)
    split = tokenizer(found[1] if found else "")
    each = SCORES[name].statistics(
        [
            Caption(said, wanted, split(said or ""), [split(text) for text in wanted])
            for said, wanted in ((line["answer"], line["captions"]) for line in lines)
        ]
    )
    sums = np.zeros((max(clusters) + 1, *each.shape[1:]))
    np.add.at(sums, list(clusters), each)
    return sums

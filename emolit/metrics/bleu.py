"""BLEU as COCO's caption evaluation counts it.

Of each order k = 1 to 4: matches, clipped at the largest count in any reference, and n-grams of
the caption; both are summed over the corpus. With ``c`` and ``r`` the summed lengths of captions
and of their closest references (the shorter of two equally close ones):

    BLEU-n = (prod_{k<=n} (matches_k + 1e-15) / (grams_k + 1e-9))^(1/n) * exp(min(0, 1 - 1/ratio))
    ratio  = (c + 1e-15) / (r + 1e-9)

So a caption without matching 4-gram has a tiny BLEU-4, not 0. Papineni et al. 2002,
https://aclanthology.org/P02-1040; equal to pycocoevalcap 1.2.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.text.tokenizer import Tokens, ngrams

ORDERS = 4
Array = NDArray[np.float64]


def bleu_counts(caption: Tokens, references: Sequence[Tokens]) -> Array:
    """Return what BLEU is made of; over a corpus it adds up.

    Returns:
        Matches of order 1 to 4, n-grams of order 1 to 4, length, length of the closest reference.
        ``[10]``
    """
    counts = np.zeros(2 * ORDERS + 2)
    for order in range(1, ORDERS + 1):
        said = ngrams(caption, order)
        wanted = ngrams(references[0], order)
        for reference in references[1:]:
            wanted |= ngrams(reference, order)
        counts[order - 1] = sum(min(count, wanted[gram]) for gram, count in said.items())
        counts[ORDERS + order - 1] = max(0, len(caption) - order + 1)
    counts[-2] = len(caption)
    counts[-1] = closest(len(caption), [len(reference) for reference in references])
    return counts


def closest(length: int, lengths: Sequence[int]) -> int:
    """Return the length that is closest; of two, the shorter.

    Example:
        >>> closest(5, [9, 7, 3])
        3
    """
    return min(lengths, key=lambda other: (abs(other - length), other))


def bleu(counts: Array) -> Array:
    """Return BLEU-1 to BLEU-4 of counts. ``[..., 10]`` -> ``[..., 4]``.

    Example:
        >>> caption, reference = "a low slow voice".split(), "a low and slow voice".split()
        >>> bleu(bleu_counts(caption, [reference])).round(3)  # 4/4, then 2/3, times exp(-1/4)
        array([0.779, 0.636, 0.   , 0.   ])
    """
    matches, grams = counts[..., :ORDERS], counts[..., ORDERS : 2 * ORDERS]
    logs = np.log((matches + 1e-15) / (grams + 1e-9)).cumsum(-1) / np.arange(1, ORDERS + 1)
    ratio = (counts[..., -2:-1] + 1e-15) / (counts[..., -1:] + 1e-9)
    found: Array = np.exp(logs + np.minimum(0, 1 - 1 / ratio))
    return found


class Bleu(CaptionMetric):
    """BLEU-1 to BLEU-4 of a corpus, 0 to 1.

    Args:
        tokenizer: Its name, such as ``zh-char`` or ``en-13a``.
    """

    names = ("BLEU_1", "BLEU_2", "BLEU_3", "BLEU_4")

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the four scores."""
        counts = [bleu_counts(*item) for item in self.tokens(items)]
        return tuple(bleu(np.sum(counts, axis=0)).tolist())

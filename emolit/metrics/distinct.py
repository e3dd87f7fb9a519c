"""Distinct-n: how varied all captions together are.

Distinct n-grams divided by all n-grams of the whole output (Li et al. 2016,
https://arxiv.org/abs/1510.03055), never the mean over captions. It falls as the output grows: the
number of tokens and the size of the vocabulary stand beside it.
"""

from collections.abc import Hashable, Sequence
from itertools import chain

from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.text.tokenizer import ngrams


def distinct(captions: Sequence[Sequence[Hashable]], order: int) -> float:
    """Return the share of n-grams of tokens that are distinct; NaN where there are none.

    Example:
        >>> distinct(["a low voice".split(), "a low tone".split()], 2)
        0.75
    """
    grams = [ngrams(caption, order) for caption in captions]
    total = sum(each.total() for each in grams)
    return len(set(chain.from_iterable(grams))) / total if total else float("nan")


class Distinct(CaptionMetric):
    """Distinct-1 and Distinct-2, with the numbers of tokens and of distinct tokens.

    Args:
        tokenizer: Its name, such as ``zh-char`` or ``en-13a``.
    """

    names = ("Distinct_1", "Distinct_2", "vocabulary", "tokens")
    implementation = "emolit"

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the four numbers."""
        captions = [item.prediction for item in self.tokens(items)]
        words = list(chain.from_iterable(captions))
        return (distinct(captions, 1), distinct(captions, 2), len(set(words)), len(words))

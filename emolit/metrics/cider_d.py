"""CIDEr-D: n-grams in common with the references, weighted by how seldom they are.

An n-gram weighs its count times ``ln(items) - ln(max(1, df))``, with df the number of items in any
of whose references it stands. Of each order k = 1 to 4

    s_k = sum_g min(v_caption, v_reference) v_reference / (|v_caption| |v_reference|)
          * exp(-d^2 / 72)

with d the difference of the numbers of bigrams; the score of a caption is 10 times the mean over k
and references. Vedantam et al. 2015, https://arxiv.org/abs/1411.5726; equal to what pycocoevalcap
1.2 calls CIDEr.

In the metric df comes from the evaluated set itself: scores depend on the set and its size. Where
every n-gram stands in the references of every item, as in a set of one, all weights are 0.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple

from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.text.tokenizer import Tokens, ngrams

ORDERS = (1, 2, 3, 4)
Gram = tuple[str, ...]


@dataclass(frozen=True)
class Frequencies:
    """In how many items an n-gram stands.

    Attributes:
        counts: Number of items by n-gram.
        items: Number of items.
    """

    counts: Counter[Gram]
    items: int

    @classmethod
    def count(cls, references: Iterable[Sequence[Tokens]]) -> "Frequencies":
        """Count in the references of each item."""
        counts: Counter[Gram] = Counter()
        items = 0
        for texts in references:
            items += 1
            counts.update({g for text in texts for order in ORDERS for g in ngrams(text, order)})
        return cls(counts, items)

    def rarity(self, gram: Gram) -> float:
        """Return the weight of an n-gram."""
        return log(self.items) - log(max(1, self.counts[gram]))


class Weights(NamedTuple):
    """The weights of a text's n-grams by order, their norms, and the number of bigrams."""

    by_order: list[dict[Gram, float]]
    norms: list[float]
    bigrams: int


def weights_of(text: Tokens, frequencies: Frequencies) -> Weights:
    """Return the vectors of a text."""
    by_order = [
        {gram: count * frequencies.rarity(gram) for gram, count in ngrams(text, order).items()}
        for order in ORDERS
    ]
    norms = [sqrt(sum(weight**2 for weight in vector.values())) for vector in by_order]
    return Weights(by_order, norms, max(0, len(text) - 1))


def clipped_cosine(caption: Weights, reference: Weights) -> float:
    """Return the mean over orders of the clipped cosine, times the penalty on length."""
    total = 0.0
    for order in range(len(ORDERS)):
        norm = caption.norms[order] * reference.norms[order]
        if norm:
            wanted = reference.by_order[order]
            common = caption.by_order[order].items() if wanted else ()
            total += sum(min(w, wanted[g]) * wanted[g] for g, w in common if g in wanted) / norm
    return total / len(ORDERS) * exp(-((caption.bigrams - reference.bigrams) ** 2) / 72)


def cider_d(caption: Tokens, references: Sequence[Tokens], frequencies: Frequencies) -> float:
    """Return CIDEr-D of one caption, 0 to 10.

    Example:
        >>> texts = ["a low voice".split(), "a high voice".split(), "he shouts".split()]
        >>> round(cider_d(texts[2], [texts[2]], Frequencies.count([[text] for text in texts])), 6)
        5.0
    """
    said = weights_of(caption, frequencies)
    found = [clipped_cosine(said, weights_of(text, frequencies)) for text in references]
    return 10 * sum(found) / len(found)


class CiderD(CaptionMetric):
    """Mean CIDEr-D, 0 to 10.

    Args:
        tokenizer: Its name, such as ``zh-char`` or ``en-13a``.
    """

    names = ("CIDEr_D",)

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the score."""
        texts = self.tokens(items)
        frequencies = Frequencies.count(item.references for item in texts)
        if texts and all(count == len(texts) for count in frequencies.counts.values()):
            logging.getLogger(__name__).warning(
                "CIDEr-D is 0 whatever is said: all %d clips have the same n-grams in their "
                "references, so that none is rare; evaluate more clips",
                len(texts),
            )
        found = [cider_d(*item, frequencies) for item in texts]
        return (sum(found) / len(found),)

"""Self-BLEU: how much captions repeat each other; less is more varied.

The mean over captions of the BLEU-4 of each (`emolit.metrics.bleu`) with all others as references
(Zhu et al. 2018, https://arxiv.org/abs/1802.01886). Ours: of more than 500 captions, 500 are drawn
with a fixed seed.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from emolit.metrics.bleu import ORDERS, bleu, closest
from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.text.tokenizer import Tokens, ngrams

SAMPLE = 500
SEED = 0
Gram = tuple[str, ...]


def self_bleu(captions: Sequence[Tokens]) -> float:
    """Return the mean BLEU-4 of each caption against all others; NaN for a single one.

    The largest count among the others is the largest of all, or the second largest for the caption
    that has the largest itself.

    Example:
        >>> round(self_bleu(["a low slow voice".split()] * 3), 6)
        1.0
    """
    if len(captions) < 2:
        return float("nan")
    counts = np.zeros((len(captions), 2 * ORDERS + 2))
    lengths = Counter(len(caption) for caption in captions)
    for order in range(1, ORDERS + 1):
        grams = [ngrams(caption, order) for caption in captions]
        first, second = _largest(grams)
        for row, said in enumerate(grams):
            counts[row, order - 1] = sum(
                min(n, second[gram] if n == first[gram] else first[gram])
                for gram, n in said.items()
            )
            counts[row, ORDERS + order - 1] = said.total()
    for row, caption in enumerate(captions):
        own = len(caption)
        others = [length for length, n in lengths.items() if n > (length == own)]
        counts[row, -2:] = own, closest(own, others)
    return float(bleu(counts)[:, ORDERS - 1].mean())


def _largest(grams: Sequence[Counter[Gram]]) -> tuple[Counter[Gram], Counter[Gram]]:
    """Return the largest and the second largest count of each n-gram in any caption."""
    first: Counter[Gram] = Counter()
    second: Counter[Gram] = Counter()
    for said in grams:
        for gram, n in said.items():
            second[gram] = max(second[gram], min(n, first[gram]))
            first[gram] = max(first[gram], n)
    return first, second


class SelfBleu(CaptionMetric):
    """Self-BLEU of at most 500 captions, 0 to 1.

    Args:
        tokenizer: Its name, such as ``zh-char`` or ``en-13a``.
    """

    names = ("self_BLEU",)
    implementation = f"emolit-{SAMPLE}-seed{SEED}"
    higher_is_better = False

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the score."""
        captions = [item.prediction for item in self.tokens(items)]
        if len(captions) > SAMPLE:
            drawn = np.random.default_rng(SEED).choice(len(captions), SAMPLE, replace=False)
            captions = [captions[place] for place in sorted(drawn)]
        return (self_bleu(captions),)

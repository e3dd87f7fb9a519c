"""ROUGE-L as COCO's caption evaluation has it.

With LCS the length of the longest common subsequence, precision is the largest LCS / length of the
caption over the references, recall the largest LCS / length of the reference, not necessarily of
the same one; the score is (1 + b^2) P R / (R + b^2 P) with b = 1.2, 0 if either is 0, averaged over
captions. Lin 2004, https://aclanthology.org/W04-1013; equal to pycocoevalcap 1.2. Other
implementations take the best F of one reference and return 0 for Chinese.
"""

from collections import defaultdict
from collections.abc import Sequence

from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.text.tokenizer import Tokens

BETA_SQUARED = 1.2**2


def lcs_length(one: Tokens, other: Tokens) -> int:
    """Return the length of the longest common subsequence.

    A column of the table of dynamic programming is one integer, its bits telling where the length
    grows (Hyyro 2004, https://doi.org/10.1007/978-3-540-27810-8_9), so that a column costs three
    operations, whatever its length.

    Example:
        >>> lcs_length("a low slow voice".split(), "a voice, low and slow".split())
        3
    """
    one, other = sorted((one, other), key=len)  # the shorter one in bits: the time is their product
    places: dict[str, int] = defaultdict(int)
    for place, token in enumerate(one):
        places[token] |= 1 << place
    mask = (1 << len(one)) - 1
    column = mask
    for token in other:
        matches = column & places[token]
        column = ((column + matches) | (column - matches)) & mask
    return len(one) - column.bit_count()


def rouge_l(caption: Tokens, references: Sequence[Tokens]) -> float:
    """Return ROUGE-L of one caption; 0 if it is empty.

    Example:
        >>> rouge_l("a low voice".split(), ["a low slow voice".split()])  # P 1, R 3/4
        0.8356164383561644
    """
    common = [lcs_length(caption, reference) for reference in references]
    precision = max(common) / max(1, len(caption))
    recall = max(n / max(1, len(text)) for n, text in zip(common, references, strict=True))
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + BETA_SQUARED) * precision * recall / (recall + BETA_SQUARED * precision)


class RougeL(CaptionMetric):
    """Mean ROUGE-L, 0 to 1.

    Args:
        tokenizer: Its name, such as ``zh-char`` or ``en-13a``.
    """

    names = ("ROUGE_L",)

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the score."""
        found = [rouge_l(*item) for item in self.tokens(items)]
        return (sum(found) / len(found),)

"""Foreign rate: how often a label is answered that no clip of the corpus has."""

import torch
from torch import Tensor

from emolit.metrics.base import CountMetric, answer_counts, support, total


def foreign(counts: Tensor) -> Tensor:
    """Return the share of answers naming a class without truths. ``[..., K, K+1]`` -> ``[...]``.

    Such answers are readable and wrong: an eight-label model on a corpus of four.
    """
    astray = torch.where(support(counts) == 0, answer_counts(counts), 0.0)
    return astray.sum(-1) / total(counts)


class Foreign(CountMetric):
    """Share of answers that are labels of the task, but of no clip that was asked about."""

    higher_is_better = False

    def compute(self) -> Tensor:
        """Return the foreign rate, NaN before any clip."""
        return foreign(self.counts)

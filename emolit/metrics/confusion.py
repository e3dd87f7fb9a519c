"""Confusion matrix, unreadable answers in the last column."""

from torch import Tensor

from emolit.metrics.base import CountMetric, support


def normalize_rows(counts: Tensor) -> Tensor:
    """Return each row as shares of its truths, NaN for a class without. ``[..., K, K+1]`` both."""
    return counts.double() / support(counts).unsqueeze(-1)


class Confusion(CountMetric):
    """Answers by truth."""

    higher_is_better = None

    def compute(self) -> Tensor:
        """Return the counts. ``[K, K+1]`` int64."""
        return self.counts

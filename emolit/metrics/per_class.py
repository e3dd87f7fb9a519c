"""Scores of every class by itself: recall, precision, F1, support."""

from torch import Tensor

from emolit.metrics.base import CountMetric, f1, precision, recall, support


class Recall(CountMetric):
    """Recall by class, NaN for a class without truths."""

    def compute(self) -> Tensor:
        """Return h / n. ``[K]``."""
        return recall(self.counts)


class Precision(CountMetric):
    """Precision by class, NaN for a class without truths, 0 for one that is never answered."""

    def compute(self) -> Tensor:
        """Return h / q. ``[K]``."""
        return precision(self.counts)


class F1(CountMetric):
    """F1 by class, NaN for a class without truths."""

    def compute(self) -> Tensor:
        """Return 2 h / (n + q). ``[K]``."""
        return f1(self.counts)


class Support(CountMetric):
    """Number of truths by class."""

    higher_is_better = None

    def compute(self) -> Tensor:
        """Return n. ``[K]``."""
        return support(self.counts)

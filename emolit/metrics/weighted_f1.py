"""Weighted F1: the F1 of the classes, weighted by how often they occur."""

from torch import Tensor

from emolit.metrics.base import CountMetric, f1, support, total


def weighted_f1(counts: Tensor) -> Tensor:
    """Return the sum of n_c F1_c over N. ``[..., K, K+1]`` -> ``[...]``."""
    return (support(counts) * f1(counts)).nansum(-1) / total(counts)


class WeightedF1(CountMetric):
    """Weighted F1: every class counts by its truths."""

    def compute(self) -> Tensor:
        """Return weighted F1, NaN before any clip."""
        return weighted_f1(self.counts)

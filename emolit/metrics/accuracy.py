"""Weighted accuracy (WA): the share of clips answered right."""

from torch import Tensor

from emolit.metrics.base import CountMetric, hits, total


def accuracy(counts: Tensor) -> Tensor:
    """Return the sum of h_c over N; unreadable is wrong. ``[..., K, K+1]`` -> ``[...]``."""
    return hits(counts).sum(-1) / total(counts)


class Accuracy(CountMetric):
    """Weighted accuracy (WA): every clip counts alike."""

    def compute(self) -> Tensor:
        """Return WA, NaN before any clip."""
        return accuracy(self.counts)

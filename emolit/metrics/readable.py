"""Parse rate: the share of answers that could be read."""

from torch import Tensor

from emolit.metrics.base import CountMetric, answer_counts, total


def parse_rate(counts: Tensor) -> Tensor:
    """Return the share of answers that are not unreadable. ``[..., K, K+1]`` -> ``[...]``."""
    return answer_counts(counts).sum(-1) / total(counts)


class Readable(CountMetric):
    """Parse rate, which stands beside every score."""

    def compute(self) -> Tensor:
        """Return the parse rate, NaN before any clip."""
        return parse_rate(self.counts)

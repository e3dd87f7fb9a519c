"""What torchmetrics lacks: scores over labels with unreadable answers and absent classes."""

from emolit.metrics.base import CountMetric

__all__ = ["CountMetric"]

"""How answers become tensors for torchmetrics, corpus by corpus."""

from emolit.evaluators.base import Evaluator

__all__ = ["Evaluator"]

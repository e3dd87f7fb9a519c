"""What scores of distributions over the labels share: the choice in a row, means over clips.

A row holds a probability a label. It may add up to less than 1: what is missing is the share of
unreadable answers where the distribution was counted from sampled ones.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torchmetrics import Metric

from emolit.metrics.base import UNREADABLE

FLOOR = 1e-8
"""The least probability that a logarithm is taken of."""
SLACK = 1e-4
"""How far above 1 a row may add up, for numbers that were rounded."""


def check_distributions(probabilities: Tensor) -> Tensor:
    """Return rows in float64.

    Args:
        probabilities: ``[N, K]``

    Raises:
        ValueError: They are no probabilities.
    """
    rows = probabilities.double()
    if rows.dim() != 2:
        raise ValueError(f"Probabilities have shape {tuple(rows.shape)}; pass `[N, K]`.")
    if not torch.isfinite(rows).all() or (rows < 0).any() or (rows.sum(1) > 1 + SLACK).any():
        wrong = next(
            row.tolist() for row in rows if not 0 <= row.sum() <= 1 + SLACK or row.min() < 0
        )
        raise ValueError(f"{wrong} are no probabilities: none below 0, together 1 at most.")
    return rows


def choose(probabilities: Tensor) -> Tensor:
    """Return the most probable class, the first of equals; -1 where all are 0.

    Args:
        probabilities: ``[N, K]``

    Returns:
        ``[N]`` int64

    Example:
        >>> choose(torch.tensor([[0.2, 0.8], [0.0, 0.0]])).tolist()
        [1, -1]
    """
    best, choice = probabilities.max(1)
    return torch.where(best > 0, choice, UNREADABLE)


def choose_among(probabilities: Tensor, present: Tensor) -> Tensor:
    """Return the most probable class among some; -1 where all of these are 0.

    Args:
        probabilities: ``[N, K]``
        present: True for classes that may be chosen. ``[K]`` boolean

    Returns:
        ``[N]`` int64

    Example:
        >>> present = torch.tensor([True, False, True])
        >>> choose_among(torch.tensor([[0.1, 0.7, 0.2]]), present).tolist()
        [2]
    """
    return choose(probabilities.masked_fill(~present, 0.0))


def is_correct(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Tell whether the choice is the truth. ``[N, K]``, ``[N]`` -> ``[N]`` boolean."""
    return choose(probabilities) == targets


class MeanMetric(Metric, ABC):
    """The mean over clips of a number a clip.

    Attributes:
        total: Sum over the clips of all processes. float64
        n: Their number. int64
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better: bool | None = False
    total: Tensor
    n: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("n", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, truth: Tensor) -> None:
        """Add clips.

        Args:
            probabilities: ``[N, K]``
            truth: Class indices ``[N]``, or rows of votes ``[N, K]``, as the score asks for.
        """
        values = self.values(check_distributions(probabilities), truth)
        self.total = self.total + values.double().sum()
        self.n = self.n + len(values)

    @abstractmethod
    def values(self, probabilities: Tensor, truth: Tensor) -> Tensor:
        """Return the number of each clip. ``[N]``."""

    def compute(self) -> Tensor:
        """Return the mean, NaN before any clip."""
        return self.total / self.n

"""The counts that every categorical score is made of, and the metric that gathers them.

Counts are one integer matrix ``[K, K+1]``: rows are truths, columns are answers, the last column
holds the unreadable ones. Integers add up to the same sum in any order, so that a score does not
depend on batch size or number of processes.

With n_c truths, q_c answers and h_c hits of class c: recall h_c / n_c, precision h_c / q_c,
F1_c = 2 h_c / (n_c + q_c). A class without truths has none of the three (NaN), whatever was
answered; torchmetrics counts it as 0 as soon as it is answered once, and scikit-learn does either
by function.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torchmetrics import Metric

UNREADABLE = -1
"""Stands for an unreadable answer where answers are integers."""


def tabulate(answers: Tensor, targets: Tensor, num_classes: int) -> Tensor:
    """Count answers by truth.

    Args:
        answers: Class indices, -1 where unreadable. ``[N]`` int64
        targets: Class indices. ``[N]`` int64
        num_classes: K.

    Returns:
        Counts, the unreadable answers in the last column. ``[K, K+1]`` int64

    Raises:
        ValueError: Lengths differ or an index is out of range.

    Example:
        >>> tabulate(torch.tensor([0, 1, -1]), torch.tensor([0, 0, 1]), 2).tolist()
        [[1, 1, 0], [0, 0, 1]]
    """
    if answers.shape != targets.shape or answers.dim() != 1:
        raise ValueError(
            f"Answers have shape {tuple(answers.shape)} and targets {tuple(targets.shape)}; "
            "pass one index a clip in both."
        )
    _check_range("answers", answers, UNREADABLE, num_classes)
    _check_range("targets", targets, 0, num_classes)
    columns = torch.where(answers == UNREADABLE, num_classes, answers)
    cells = targets * (num_classes + 1) + columns
    size = num_classes * (num_classes + 1)
    return torch.bincount(cells, minlength=size).reshape(num_classes, num_classes + 1)


def _check_range(name: str, indices: Tensor, low: int, num_classes: int) -> None:
    """Refuse indices outside ``low .. num_classes - 1``."""
    wrong = indices[(indices < low) | (indices >= num_classes)]
    if wrong.numel():
        raise ValueError(
            f"The {name} hold the class index {int(wrong[0])}, which is not in "
            f"{low}..{num_classes - 1}; build the metric with the right number of classes."
        )


def hits(counts: Tensor) -> Tensor:
    """Return h, right answers by class. ``[..., K, K+1]`` -> ``[..., K]`` float64."""
    return counts.diagonal(dim1=-2, dim2=-1).double()


def support(counts: Tensor) -> Tensor:
    """Return n, truths by class. ``[..., K, K+1]`` -> ``[..., K]`` float64."""
    return counts.sum(-1).double()


def answer_counts(counts: Tensor) -> Tensor:
    """Return q, readable answers by class. ``[..., K, K+1]`` -> ``[..., K]`` float64."""
    return counts[..., :-1].sum(-2).double()


def total(counts: Tensor) -> Tensor:
    """Return N, the number of clips. ``[..., K, K+1]`` -> ``[...]`` float64."""
    return counts.sum((-2, -1)).double()


def recall(counts: Tensor) -> Tensor:
    """Return h / n by class, NaN without truths. ``[..., K, K+1]`` -> ``[..., K]`` float64."""
    return hits(counts) / support(counts)


def precision(counts: Tensor) -> Tensor:
    """Return h / q by class. ``[..., K, K+1]`` -> ``[..., K]`` float64.

    NaN without truths; 0 for a class that has truths and was never answered.
    """
    return _where_present(hits(counts) / answer_counts(counts).clamp(min=1), counts)


def f1(counts: Tensor) -> Tensor:
    """Return 2 h / (n + q) by class, NaN without truths. ``[..., K, K+1]`` -> ``[..., K]``."""
    sizes = support(counts) + answer_counts(counts)
    return _where_present(2 * hits(counts) / sizes, counts)


def mean_over_present(values: Tensor) -> Tensor:
    """Average a score over the classes that have truths. ``[..., K]`` -> ``[...]``."""
    return values.nanmean(-1)


def _where_present(values: Tensor, counts: Tensor) -> Tensor:
    """Put NaN where a class has no truths."""
    return torch.where(support(counts) > 0, values, torch.nan)


class CountMetric(Metric, ABC):
    """A score that is a function of the counts of answers by truth.

    Args:
        num_classes: K, the number of labels; unreadable answers need no class of their own.

    Attributes:
        counts: Answers by truth, the last column unreadable; summed over processes.
            ``[K, K+1]`` int64
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better: bool | None = True
    counts: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        empty = torch.zeros(num_classes, num_classes + 1, dtype=torch.int64)
        self.add_state("counts", empty, dist_reduce_fx="sum")

    def update(self, answers: Tensor, targets: Tensor) -> None:
        """Count answers, -1 where unreadable. ``[N]`` int64 each."""
        self.counts = self.counts + tabulate(answers, targets, self.num_classes)

    @abstractmethod
    def compute(self) -> Tensor:
        """Return the score of all that was counted, float64."""

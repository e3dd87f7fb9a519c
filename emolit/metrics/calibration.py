"""Expected and maximum calibration error: is what is said with 0.8 right in 8 of 10 clips?

Guo et al. 2017, https://arxiv.org/abs/1706.04599: 15 bins (i/15, (i+1)/15] of the confidence, which
is the largest probability of a clip. A clip without any (0) is wrong and counts in the first bin.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torchmetrics import Metric

from emolit.metrics.distribution import check_distributions, is_correct

BINS = 15


def count_bins(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Count clips, right choices and confidence by bin.

    Args:
        probabilities: ``[N, K]``
        targets: Class indices. ``[N]``

    Returns:
        Number, right, sum of confidences. ``[15, 3]`` float64
    """
    confidence = check_distributions(probabilities).max(1).values
    places = ((confidence * BINS).ceil() - 1).clamp(0, BINS - 1).long()
    hits = is_correct(probabilities, targets).double()
    rows = torch.stack((torch.ones_like(confidence), hits, confidence), 1)
    return rows.new_zeros(BINS, 3).index_add(0, places, rows)


def gaps(bins: Tensor) -> tuple[Tensor, Tensor]:
    """Return |accuracy - mean confidence| and the share of the clips of each bin. ``[15]`` each."""
    number, hits, confidence = bins.unbind(-1)
    return (hits - confidence).abs() / number.clamp(min=1), number / number.sum()


def expected_calibration_error(bins: Tensor) -> Tensor:
    """Return the mean gap, bins weighted by their clips.

    Example:
        Two clips said with 0.8, one of them right: the gap is 0.3.

        >>> rows = torch.tensor([[0.8, 0.2], [0.8, 0.2]])
        >>> round(expected_calibration_error(count_bins(rows, torch.tensor([0, 1]))).item(), 6)
        0.3
    """
    gap, share = gaps(bins)
    return (share * gap).sum()


def maximum_calibration_error(bins: Tensor) -> Tensor:
    """Return the widest gap; NaN before any clip."""
    gap, share = gaps(bins)
    return torch.where(share.isnan(), share, gap).max()


class BinnedMetric(Metric, ABC):
    """A function of clips, right choices and confidence by bin.

    Attributes:
        bins: Added up over processes. ``[15, 3]`` float64
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = False
    bins: Tensor

    def __init__(self) -> None:
        super().__init__()
        empty = torch.zeros(BINS, 3, dtype=torch.float64)
        self.add_state("bins", empty, dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, targets: Tensor) -> None:
        """Add clips. ``[N, K]``, ``[N]`` int64."""
        self.bins = self.bins + count_bins(probabilities, targets)

    @abstractmethod
    def compute(self) -> Tensor:
        """Return the score, NaN before any clip."""


class ExpectedCalibrationError(BinnedMetric):
    """ECE."""

    def compute(self) -> Tensor:
        """Return ECE."""
        return expected_calibration_error(self.bins)


class MaximumCalibrationError(BinnedMetric):
    """MCE."""

    def compute(self) -> Tensor:
        """Return MCE."""
        return maximum_calibration_error(self.bins)

"""Area under the risk-coverage curve (AURC): are the wrong choices those with least confidence?

Geifman, Uziel and El-Yaniv 2019, https://arxiv.org/abs/1805.08206.
"""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from emolit.metrics.distribution import check_distributions, is_correct


def area_under_risk_coverage(confidence: Tensor, correct: Tensor) -> Tensor:
    """Return the mean over i of (errors among the i most confident) / i. ``[N]`` twice -> scalar.

    Clips of equal confidence share their errors evenly (ours): the mean over all orders among
    them, so that the order of clips, batches or processes does not matter.

    Example:
        Right, wrong, right, in order of confidence: (0 + 1/2 + 1/3) / 3.

        >>> order, correct = torch.tensor([0.9, 0.8, 0.7]), torch.tensor([1, 0, 1])
        >>> round(area_under_risk_coverage(order, correct).item(), 4)
        0.2778
    """
    tied = torch.unique(confidence.neg(), return_inverse=True, return_counts=True)
    tie, size = tied[1], tied[2]
    errors = 1.0 - correct.double()
    rate = torch.zeros(len(size), dtype=torch.float64, device=tie.device)
    rate = rate.index_add(0, tie, errors) / size
    cumulated = rate.repeat_interleave(size).cumsum(0)
    risk: Tensor = cumulated / torch.arange(1, len(errors) + 1, device=cumulated.device)
    return risk.mean()


class AreaUnderRiskCoverage(Metric):
    """AURC of the largest probability; 0 is best.

    Attributes:
        confidence: Of each clip, gathered over processes. float32
        correct: 1 where the choice is right, gathered alike. float32
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = False
    confidence: list[Tensor]
    correct: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("confidence", [], dist_reduce_fx="cat")
        self.add_state("correct", [], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, targets: Tensor) -> None:
        """Add clips. ``[N, K]``, ``[N]`` int64."""
        self.confidence.append(check_distributions(probabilities).max(1).values.float())
        self.correct.append(is_correct(probabilities, targets).float())

    def compute(self) -> Tensor:
        """Return AURC, NaN before any clip."""
        if len(self.confidence) == 0:
            return torch.tensor(torch.nan, dtype=torch.float64)
        return area_under_risk_coverage(dim_zero_cat(self.confidence), dim_zero_cat(self.correct))

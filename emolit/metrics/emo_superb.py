"""EMO-SUPERB's multi-label macro-F1: a label holds where its share is above 1/K.

Wu et al. 2024, https://arxiv.org/abs/2402.13018. Over the corpus; the authors' code averages over
batches. As there (scikit-learn), a label that neither raters nor model have scores 0.
"""

import torch
from torch import Tensor
from torchmetrics import Metric


def above_chance(shares: Tensor) -> Tensor:
    """Return which labels hold: strictly more than 1/K. ``[N, K]`` -> ``[N, K]`` boolean."""
    return shares > 1 / shares.shape[1]


class EmoSuperbF1(Metric):
    """Multi-label macro-F1 of two distributions over the labels.

    Args:
        num_classes: K.

    Attributes:
        counts: Labels of both, of the model, of the raters, added over processes. ``[3, K]`` int64
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = True
    counts: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        empty = torch.zeros(3, num_classes, dtype=torch.int64)
        self.add_state("counts", empty, dist_reduce_fx="sum")

    def update(self, probabilities: Tensor, votes: Tensor) -> None:
        """Add clips; rows of votes are shares. ``[N, K]`` both."""
        model, raters = above_chance(probabilities), above_chance(votes)
        self.counts = self.counts + torch.stack((model & raters, model, raters)).sum(1)

    def compute(self) -> Tensor:
        """Return the mean F1 of the labels, float64."""
        both, model, raters = self.counts.double()
        by_label: Tensor = 2 * both / (model + raters).clamp(min=1)
        return by_label.mean()

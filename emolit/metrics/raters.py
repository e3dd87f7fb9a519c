"""Choices against what raters heard, one by one: any of them right, and by how far they agreed."""

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from emolit.metrics.distribution import MeanMetric, choose, is_correct
from emolit.metrics.soft_labels import shares


def vote_entropy(rows: Tensor) -> Tensor:
    """Return the entropy of each row in nats. ``[N, K]`` -> ``[N]``."""
    return -torch.xlogy(rows, rows).sum(1)


def accuracy_by_thirds(entropies: Tensor, correct: Tensor) -> Tensor:
    """Return the accuracy where raters agreed most, middling and least. ``[N]`` twice -> ``[3]``.

    The bounds are the 1/3 and 2/3 quantiles of the entropy, and belong to the lower third: clips
    of equal entropy stay together (ours), so that thirds may differ in size, and one may be empty
    (NaN).

    Example:
        >>> entropies, correct = torch.tensor([0.0, 0.5, 0.9]), torch.tensor([1, 1, 0])
        >>> accuracy_by_thirds(entropies, correct).tolist()
        [1.0, 1.0, 0.0]
    """
    wide = entropies.double()
    bounds = torch.quantile(wide, wide.new_tensor([1 / 3, 2 / 3]), interpolation="lower")
    third = (wide.unsqueeze(1) > bounds).sum(1)
    hits, number = wide.new_zeros(3), wide.new_zeros(3)
    hits = hits.index_add(0, third, correct.double())
    return hits / number.index_add(0, third, torch.ones_like(wide))


class AnyAnnotator(MeanMetric):
    """Share of clips whose choice at least one rater has made too."""

    higher_is_better = True

    def values(self, probabilities: Tensor, truth: Tensor) -> Tensor:
        """Return 1 or 0 for each clip. Votes ``[N, K]``."""
        choice = choose(probabilities)
        voted = shares(truth).gather(1, choice.clamp(min=0).unsqueeze(1)).squeeze(1) > 0
        return (voted & (choice >= 0)).double()


class EntropyThirds(Metric):
    """Accuracy in thirds of the clips by the entropy of their votes.

    Attributes:
        entropies: Of each clip's votes, gathered over processes. float32
        correct: 1 where the choice is the label, gathered alike. float32
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = True
    entropies: list[Tensor]
    correct: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("entropies", [], dist_reduce_fx="cat")
        self.add_state("correct", [], dist_reduce_fx="cat")

    def update(self, probabilities: Tensor, targets: Tensor, votes: Tensor) -> None:
        """Add clips. ``[N, K]``, ``[N]`` int64, ``[N, K]``."""
        self.entropies.append(vote_entropy(shares(votes)).float())
        self.correct.append(is_correct(probabilities, targets).float())

    def compute(self) -> Tensor:
        """Return the accuracies, NaN where there is no clip. ``[3]`` float64."""
        found = dim_zero_cat(self.entropies) if len(self.entropies) else torch.empty(0)
        if found.numel() == 0:
            return torch.full((3,), torch.nan, dtype=torch.float64)
        return accuracy_by_thirds(found, dim_zero_cat(self.correct))

"""CCC, PCC and MAE of ratings, out of seven sums a clip adds to.

All three follow from sums, so batch size and processes change nothing, and intervals over speakers
follow from the same numbers. torchmetrics has the three as classes that each keep states of their
own; the tests hold them beside ours.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torchmetrics import Metric

from emolit.metrics.concordance import concordance, moments_of, spreads_of

SUMS = 7
"""n and the sums of p, t, p^2, t^2, p t and |p - t|."""


def sums_of(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return what each pair adds. ``[...]`` both -> ``[..., 7]`` float64."""
    p, t = predictions.double(), targets.double()
    return torch.cat([moments_of(p, t), (p - t).abs().unsqueeze(-1)], dim=-1)


def pearson(sums: Tensor) -> Tensor:
    """Return the correlation, NaN where predictions or truths are all one number. ``[..., 7]``."""
    var_p, var_t, covariance = spreads_of(sums[..., :6])
    return covariance / (var_p * var_t).sqrt()


def mean_error(sums: Tensor) -> Tensor:
    """Return the mean absolute difference. ``[..., 7]``."""
    return sums[..., 6] / sums[..., 0]


SCORES: dict[str, Callable[[Tensor], Tensor]] = {
    "CCC": lambda sums: concordance(sums[..., :6]),
    "PCC": pearson,
    "MAE": mean_error,
}
"""Name of a score to what computes it. ``[..., 7]`` -> ``[...]``"""


class RatingScores(Metric):
    """The sums of A attributes.

    Args:
        attributes: A.

    Attributes:
        sums: Added over clips and processes. ``[A, 7]`` float64
        readable: Clips, and those whose answer could be read. ``[2]`` int64
    """

    is_differentiable = False
    full_state_update = False
    sums: Tensor
    readable: Tensor

    def __init__(self, attributes: int) -> None:
        super().__init__()
        zeros = torch.zeros(attributes, SUMS, dtype=torch.float64)
        self.add_state("sums", zeros, dist_reduce_fx="sum")
        self.add_state("readable", torch.zeros(2, dtype=torch.long), dist_reduce_fx="sum")

    def update(self, added: Tensor, readable: Tensor) -> None:
        """Take clips.

        Args:
            added: What each adds. ``[N, A, 7]``
            readable: Whether its answer could be read. ``[N]`` boolean
        """
        self.sums = self.sums + added.to(self.sums).sum(0)
        counts = torch.tensor([len(readable), int(readable.sum())])
        self.readable = self.readable + counts.to(self.readable)

    def compute(self) -> tuple[Tensor, Tensor]:
        """Return the sums and the numbers of clips."""
        return self.sums, self.readable

"""Concordance correlation (CCC) of attributes such as arousal and valence (Lin 1989).

https://doi.org/10.2307/2532051, with population variances, as MSP-Podcast's challenges have it.
Here it is a metric for scripts; the evaluator `Attributes` has it beside PCC and MAE.
"""

import torch
from torch import Tensor
from torchmetrics import Metric

ROUNDING = 1e-12
"""Share of a mean square below which a variance is what rounding has left of equal numbers."""


def concordance(moments: Tensor) -> Tensor:
    """Return 2 cov / (var_p + var_t + (mean_p - mean_t)^2) of summed moments. ``[..., 6]``.

    NaN before any clip, and where all predictions and truths are one and the same number.
    """
    n, p, t, *_ = moments.unbind(-1)
    var_p, var_t, covariance = spreads_of(moments)
    agreement: Tensor = 2 * covariance / (var_p + var_t + (p / n - t / n) ** 2)
    return agreement


def spreads_of(moments: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the variances of predictions and truths, and their covariance. ``[..., 6]``.

    All three are of the population. Of equal numbers they are 0, not what rounding leaves.
    """
    n, p, t, pp, tt, pt = moments.unbind(-1)
    var_p, var_t = (
        torch.where(square - mean**2 > ROUNDING * square, square - mean**2, 0.0)
        for square, mean in ((pp / n, p / n), (tt / n, t / n))
    )
    covariance = torch.where(var_p * var_t > 0, pt / n - (p / n) * (t / n), 0.0)
    return var_p, var_t, covariance


def moments_of(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return 1, p, t, p^2, t^2 and p t of each pair. ``[...]`` both -> ``[..., 6]`` float64."""
    p, t = predictions.double(), targets.double()
    return torch.stack((torch.ones_like(p), p, t, p * p, t * t, p * t), dim=-1)


class Concordance(Metric):
    """CCC over all clips.

    Attributes:
        moments: n and the sums of p, t, p^2, t^2, p t, added over processes. ``[6]`` float64
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = True
    moments: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("moments", torch.zeros(6, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, predictions: Tensor, targets: Tensor) -> None:
        """Add clips. ``[N]`` both."""
        self.moments = self.moments + moments_of(predictions, targets).sum(0)

    def compute(self) -> Tensor:
        """Return CCC, float64."""
        return concordance(self.moments)

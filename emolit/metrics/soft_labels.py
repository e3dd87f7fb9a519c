"""A distribution over the labels against the votes of raters.

Rows of votes are numbers of raters, or shares of them; each is divided by its sum.
"""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from emolit.metrics.distribution import FLOOR, MeanMetric


def shares(votes: Tensor) -> Tensor:
    """Return votes as shares of their sum. ``[N, K]`` both, float64.

    Raises:
        ValueError: A row has no votes, or votes below 0.
    """
    rows = votes.double()
    if (rows < 0).any() or (rows.sum(1) <= 0).any():
        raise ValueError("A row of votes adds up to nothing; leave clips without votes out.")
    return rows / rows.sum(1, keepdim=True)


def kullback_leibler(gold: Tensor, prediction: Tensor) -> Tensor:
    """Return KL(gold || prediction) in nats, both clipped at 1e-8. ``[N, K]`` twice -> ``[N]``."""
    p, q = gold.clamp(min=FLOOR), prediction.clamp(min=FLOOR)
    return (p * (p.log() - q.log())).sum(1)


def jensen_shannon(first: Tensor, second: Tensor) -> Tensor:
    """Return the Jensen-Shannon divergence, base 2: 0 to 1. ``[N, K]`` twice -> ``[N]``.

    Example:
        >>> one, other = torch.tensor([[0.5, 0.5, 0.0]]), torch.tensor([[0.5, 0.0, 0.5]])
        >>> jensen_shannon(one, other).item()
        0.5
    """
    middle = (first + second) / 2
    nats = sum(torch.xlogy(p, p) - torch.xlogy(p, middle) for p in (first, second))
    return (torch.as_tensor(nats) / 2).sum(1) / torch.log(torch.tensor(2.0, dtype=middle.dtype))


class JensenShannon(MeanMetric):
    """Mean Jensen-Shannon divergence from the votes, base 2."""

    def values(self, probabilities: Tensor, truth: Tensor) -> Tensor:
        """Return that of each clip."""
        return jensen_shannon(probabilities, shares(truth))


class KullbackLeibler(MeanMetric):
    """Mean KL(votes || distribution), in nats."""

    def values(self, probabilities: Tensor, truth: Tensor) -> Tensor:
        """Return that of each clip."""
        return kullback_leibler(shares(truth), probabilities)


class Cosine(MeanMetric):
    """Mean cosine between distribution and votes."""

    higher_is_better = True

    def values(self, probabilities: Tensor, truth: Tensor) -> Tensor:
        """Return that of each clip."""
        return cosine_similarity(probabilities, shares(truth))

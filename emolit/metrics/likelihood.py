"""Negative log-likelihood (NLL) of the truth, in nats."""

import torch
from torch import Tensor

from emolit.metrics.distribution import FLOOR, MeanMetric


def negative_log_likelihood(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Return -log p of the truth of each clip. ``[N, K]``, ``[N]`` -> ``[N]``.

    Clipped at 1e-8 (ours): a truth without any probability costs 18.4, not infinity.

    Example:
        >>> negative_log_likelihood(torch.tensor([[0.5, 0.5]]), torch.tensor([1])).tolist()
        [0.6931471824645996]
    """
    truth = probabilities.gather(1, targets.unsqueeze(1)).squeeze(1)
    return -truth.clamp(min=FLOOR).log()


class NegativeLogLikelihood(MeanMetric):
    """NLL: the mean of -log p of the truth."""

    def values(self, probabilities: Tensor, truth: Tensor) -> Tensor:
        """Return the number of each clip."""
        return negative_log_likelihood(probabilities, truth.to(torch.int64))

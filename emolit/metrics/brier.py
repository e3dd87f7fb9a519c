"""Brier score: squared distance from the truth, over all classes (Brier 1950; 0 to 2)."""

from torch import Tensor, nn

from emolit.metrics.distribution import MeanMetric


def brier(probabilities: Tensor, targets: Tensor) -> Tensor:
    """Return the sum over classes of (p - onehot)^2 of each clip. ``[N, K]``, ``[N]`` -> ``[N]``.

    Example:
        >>> import torch
        >>> brier(torch.tensor([[0.5, 0.5]]), torch.tensor([1])).tolist()
        [0.5]
    """
    truth = nn.functional.one_hot(targets, probabilities.shape[1])
    return (probabilities - truth).square().sum(1)


class Brier(MeanMetric):
    """Brier score: the mean over clips."""

    def values(self, probabilities: Tensor, truth: Tensor) -> Tensor:
        """Return the number of each clip."""
        return brier(probabilities, truth)

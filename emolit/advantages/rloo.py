"""RLOO, https://arxiv.org/abs/2402.14740: rewards less the mean of the others in their group."""

from torch import Tensor

from emolit.advantages.base import subtract_mean


def leave_one_out(rewards: Tensor) -> Tensor:
    """Subtract the mean of the *other* responses of the group (RLOO, arXiv 2402.14740).

    Example:
        >>> import torch
        >>> leave_one_out(torch.tensor([[1.0, 0.0, 0.0]]))
        tensor([[ 1.0000, -0.5000, -0.5000]])
    """
    difference, count = subtract_mean(rewards)
    return difference * count / (count - 1).clamp(min=1)

"""Dr. GRPO, https://arxiv.org/abs/2503.20783: rewards less the mean of their group."""

from torch import Tensor

from emolit.advantages.base import subtract_mean


def centered(rewards: Tensor) -> Tensor:
    """Subtract the mean of the group (Dr. GRPO, arXiv 2503.20783).

    Example:
        >>> import torch
        >>> centered(torch.tensor([[1.0, 0.0, 0.0, 1.0]]))
        tensor([[ 0.5000, -0.5000, -0.5000,  0.5000]])
    """
    return subtract_mean(rewards)[0]

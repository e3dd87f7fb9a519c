"""F-GRPO, https://arxiv.org/abs/2602.06717: less weight for groups that mostly succeed."""

import torch
from torch import Tensor

from emolit.advantages.base import Advantage, reaches
from emolit.advantages.grpo import standardized
from emolit.errors import ConfigError


class Focal(Advantage):
    """GRPO's advantage times ``(1 - s) ** gamma``, with s the share of the group that succeeds.

    Source: F-GRPO (arXiv 2602.06717), whose rewards are 0 or 1. Deviation: what succeeds is a
    setting here. A clip whose right answer is rare keeps its weight.

    Args:
        gamma: How fast the weight falls; 0 is GRPO.
        success: Least total reward of a response that succeeds.

    Raises:
        ConfigError: ``gamma`` is below 0.

    Example:
        >>> import torch
        >>> Focal(gamma=1.0)(torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]]))
        tensor([[ 1.1248, -0.3749, -0.3749, -0.3749],
                [ 0.1250,  0.1250,  0.1250, -0.3749]])
    """

    has_threshold = True

    def __init__(self, gamma: float = 1.0, success: float = 1.0) -> None:
        if gamma < 0:
            raise ConfigError(f"`gamma` of Focal is {gamma:g}; it must be 0 or more.")
        self.gamma = gamma
        self.success = success

    def __call__(self, rewards: Tensor) -> Tensor:
        """Return the advantages. ``[B, G]``."""
        scored = ~rewards.isnan()
        reached = reaches(rewards, self.success)
        share = reached.sum(1, keepdim=True) / scored.sum(1, keepdim=True).clamp(min=1)
        weight: Tensor = (1 - share) ** self.gamma
        return torch.nan_to_num(standardized(rewards)) * weight

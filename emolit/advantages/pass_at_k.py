"""Pass@k training, https://arxiv.org/abs/2508.10751, section 3: one success among k is enough."""

from math import comb

import torch
from torch import Tensor

from emolit.advantages.base import Advantage, reaches
from emolit.errors import ConfigError


class PassAtK(Advantage):
    """The advantage of a response in all groups of k that can be drawn from its group.

    Of N responses n fail. A group of k fails with the chance ``C(n, k) / C(N, k)``, so its mean
    reward is ``R = 1 - C(n, k) / C(N, k)`` with the deviation ``D = sqrt(R (1 - R))``. Then::

        a success: (1 - R) / D
        a failure: (1 - R - C(n - 1, k - 1) / C(N - 1, k - 1)) / D

    Source: the analytic form of arXiv 2508.10751. Deviation: what succeeds is a setting here.
    Where every group of k succeeds, or none does, the advantage is 0.

    Args:
        k: Responses of which one must succeed.
        success: Least total reward of a response that succeeds.

    Raises:
        ConfigError: ``k`` is below 1.

    Example:
        >>> import torch
        >>> PassAtK(k=2)(torch.tensor([[1.0, 0.0, 0.0, 0.0]]))
        tensor([[ 1.0000, -0.3333, -0.3333, -0.3333]])
    """

    has_threshold = True

    def __init__(self, k: int = 4, success: float = 1.0) -> None:
        if k < 1:
            raise ConfigError(f"`k` of PassAtK is {k}; it counts responses, 1 or more.")
        self.k = k
        self.success = success

    def __call__(self, rewards: Tensor) -> Tensor:
        """Return the advantages. ``[B, G]``.

        Raises:
            ValueError: A group has fewer than k responses.
        """
        if rewards.shape[1] < self.k:
            raise ValueError(
                f"PassAtK has k {self.k} and groups of {rewards.shape[1]} responses; raise "
                "`group_size`, or lower `k`."
            )
        rows = [self._group(group) for group in rewards]
        return torch.stack(rows)

    def _group(self, rewards: Tensor) -> Tensor:
        """Return the advantages of one group. ``[G]``."""
        scored = ~rewards.isnan()
        reached = reaches(rewards, self.success)
        number, k = int(scored.sum()), self.k
        failed = number - int(reached.sum())
        if number < k or failed == number or failed < k:
            return torch.zeros_like(rewards)
        lost = comb(failed, k) / comb(number, k)
        deviation = (lost * (1 - lost)) ** 0.5
        other = comb(failed - 1, k - 1) / comb(number - 1, k - 1)
        worth = torch.where(reached, lost / deviation, (lost - other) / deviation)
        return torch.where(scored, worth, 0.0).to(rewards.dtype)

"""BNPO, https://arxiv.org/abs/2506.02864: rewards divided by a Beta density."""

import torch
from torch import Tensor

from emolit.advantages.base import subtract_mean


def beta_normalized(rewards: Tensor) -> Tensor:
    """Subtract the group's mean p and divide by a Beta density at p (BNPO, arXiv 2506.02864).

    Over the groups of the global batch p has a mean m and a variance v. The Beta distribution with
    these has the parameters a = (m (1 - m) / v - 1) m and b = (m (1 - m) / v - 1) (1 - m); the
    density is that of Beta(1 + a / 3, 1 + b / 3), whose parameters are at least 1 and whose value
    is at least 1e-6, as in the authors' code.

    Deviation: where no Beta can be fitted (one group, or equal p in all), the density is 1.

    Raises:
        ValueError: A reward is not in [0, 1]; with several rewards, set this function as
            ``per_reward``, which is the paper's advantage decomposition.
    """
    if ((rewards < 0) | (rewards > 1)).any():
        worst = rewards[(rewards < 0) | (rewards > 1)][0].item()
        raise ValueError(
            f"The advantage `beta_normalized` needs rewards in [0, 1], but one is {worst:g}; set "
            "it as `per_reward`, or choose another advantage, such as `standardized`."
        )
    difference, count = subtract_mean(rewards)
    share = (rewards.double().nansum(1, keepdim=True) / count.clamp(min=1)).clamp(0, 1)
    known = share[count > 0]
    mean, variance = known.mean(), known.var() if len(known) > 1 else known.new_zeros(())
    if not variance > 0:
        return difference
    size = mean * (1 - mean) / variance - 1
    alpha = (1 + size * mean / 3).clamp(min=1)
    beta = (1 + size * (1 - mean) / 3).clamp(min=1)
    log_density = torch.xlogy(alpha - 1, share) + torch.xlogy(beta - 1, 1 - share)
    log_density += torch.lgamma(alpha + beta) - torch.lgamma(alpha) - torch.lgamma(beta)
    return (difference / log_density.exp().clamp(min=1e-6)).to(rewards.dtype)

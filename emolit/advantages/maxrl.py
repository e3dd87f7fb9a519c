"""MaxRL, https://arxiv.org/abs/2602.02710: rewards relative to the mean of their group."""

from torch import Tensor

from emolit.advantages.base import require_group, subtract_mean


def mean_normalized(rewards: Tensor) -> Tensor:
    """Subtract the mean of the group and divide by it (MaxRL, arXiv 2602.02710, Algorithm 1).

    With rewards of 0 and 1 the expected gradient is that of the log-probability of success, as far
    as G responses can tell, where `centered` follows the probability itself: a clip answered right
    one time in ten weighs ten times as much. A group without success gets exactly 0.

    Deviation: the paper assumes rewards of 0 and 1; any that are not negative are taken here.

    Raises:
        ValueError: A reward is negative, or G is 1: a group of one has no mean to compare with.

    Example:
        >>> import torch
        >>> mean_normalized(torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
        tensor([[ 3., -1., -1., -1.],
                [ 0.,  0.,  0.,  0.]])
    """
    require_group(rewards)
    if (rewards < 0).any():
        raise ValueError(
            f"The advantage `mean_normalized` needs rewards of at least 0, but one is "
            f"{rewards[rewards < 0][0].item():g}; choose another advantage, such as `standardized`."
        )
    difference, count = subtract_mean(rewards)
    mean = rewards.nansum(1, keepdim=True) / count.clamp(min=1)
    return difference / mean.masked_fill(mean == 0, 1.0)

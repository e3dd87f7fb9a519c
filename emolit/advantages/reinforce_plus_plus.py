"""REINFORCE++, https://arxiv.org/abs/2501.03262: rewards scaled over the global batch."""

from torch import Tensor

from emolit.advantages.base import BATCH, divide_by_deviation, subtract_mean


def standardized_by_batch(rewards: Tensor) -> Tensor:
    """Subtract the mean of the global batch and divide by its standard deviation plus 1e-4.

    Source: REINFORCE++ (arXiv 2501.03262, section 3.1), and the second step of GDPO (arXiv
    2601.05242). Groups play no part: one whose rewards are equal has an advantage all the same,
    and ``group_size`` may be 1.

    Example:
        >>> import torch
        >>> standardized_by_batch(torch.tensor([[2.0], [0.0]]))
        tensor([[ 0.7071],
                [-0.7071]])
    """
    return divide_by_deviation(*subtract_mean(rewards, BATCH), over=BATCH)


def scaled_by_batch(rewards: Tensor) -> Tensor:
    """Subtract the mean of the group and divide by the deviation that is left in the global batch.

    Source: REINFORCE++ with baseline (arXiv 2501.03262, section 3.2). The batch's mean is 0 once
    the groups' are. A group without variance gets exactly 0.
    """
    difference, count = subtract_mean(rewards)
    return divide_by_deviation(difference, count.sum(), over=BATCH)

"""GRPO, https://arxiv.org/abs/2402.03300: rewards standardized within their group."""

from torch import Tensor

from emolit.advantages.base import GROUP, divide_by_deviation, require_group, subtract_mean


def standardized(rewards: Tensor) -> Tensor:
    """Subtract the mean of the group and divide by its standard deviation plus 1e-4.

    Source: GRPO (arXiv 2402.03300, section 4.1.2); the deviation is the sample one (n - 1), as in
    the public implementations. A group without variance gets exactly 0.

    Raises:
        ValueError: G is 1: a group of one has no mean to compare with.

    Example:
        >>> import torch
        >>> standardized(torch.tensor([[1.0, 1.0, 1.0]]))
        tensor([[0., 0., 0.]])
    """
    require_group(rewards)
    return divide_by_deviation(*subtract_mean(rewards), over=GROUP)

"""From rewards to advantages: pure functions ``[B, G] -> [B, G]``, one row a group.

Any function of this form works by its dotted path: ``advantage: mypackage.baseline``.
NaN marks a response that no reward scored; it stays out of the statistics and gets 0.
"""

from torch import Tensor

EPSILON = 1e-4
"""Added to the standard deviation, as in R1-AQA (arXiv 2503.11197)."""


def _spread(rewards: Tensor) -> tuple[Tensor, Tensor]:
    """Return each reward minus the mean of its group (0 if unscored) and the scored count.

    The mean is taken in float64, so that it equals equal rewards exactly: in float32 three times
    2.7446656 has a mean that is not 2.7446656, and dividing by the deviation makes much of it.
    """
    scored = ~rewards.isnan()
    count = scored.sum(dim=1, keepdim=True)
    wide = rewards.double()
    difference = wide - wide.nansum(dim=1, keepdim=True) / count.clamp(min=1)
    return difference.masked_fill(~scored, 0.0).to(rewards.dtype), count


def centered(rewards: Tensor) -> Tensor:
    """Subtract the mean of the group (Dr. GRPO, arXiv 2503.20783).

    Example:
        >>> import torch
        >>> centered(torch.tensor([[1.0, 0.0, 0.0, 1.0]]))
        tensor([[ 0.5000, -0.5000, -0.5000,  0.5000]])
    """
    return _spread(rewards)[0]


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
    if rewards.shape[1] < 2:
        raise ValueError(
            f"A group-normalized advantage needs at least 2 responses a prompt, "
            f"but group_size is {rewards.shape[1]}; raise `group_size`."
        )
    difference, count = _spread(rewards)
    deviation = (difference.square().sum(1, keepdim=True) / (count - 1).clamp(min=1)).sqrt()
    return difference / (deviation + EPSILON)


def leave_one_out(rewards: Tensor) -> Tensor:
    """Subtract the mean of the *other* responses of the group (RLOO, arXiv 2402.14740).

    Example:
        >>> import torch
        >>> leave_one_out(torch.tensor([[1.0, 0.0, 0.0]]))
        tensor([[ 1.0000, -0.5000, -0.5000]])
    """
    difference, count = _spread(rewards)
    return difference * count / (count - 1).clamp(min=1)

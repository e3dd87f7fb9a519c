"""The contract of an advantage: a pure function ``[B, G] -> [B, G]``, one row a group.

Any function of this form works by its dotted path: ``advantage: mypackage.baseline``; one with
settings is an `Advantage`, a class whose instances are called. The task hands it the groups of all
processes at once, so that statistics of a batch are those of the global batch; under gradient
accumulation a batch is one rollout, not the window. NaN marks a response that no reward scored; it
stays out of the statistics and gets 0.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

EPSILON = 1e-4
"""Added to the standard deviation, as in R1-AQA (arXiv 2503.11197)."""
ROUNDING = 1e-6
"""Totals that miss a threshold by no more reach it: weights such as 0.7 and 0.3 add up to that."""
GROUP, BATCH = (1,), (0, 1)
"""The dimensions that a mean is taken over."""


def reaches(totals: Tensor, threshold: float) -> Tensor:
    """Tell which totals reach a value, rounding forgiven; NaN never does. Boolean, same shape.

    Example:
        >>> import torch
        >>> reaches(torch.tensor([1.0, 0.7 + 0.2 + 0.1, 0.9, float("nan")]), 1.0)
        tensor([ True,  True, False, False])
    """
    return totals >= threshold - ROUNDING


def subtract_mean(rewards: Tensor, over: tuple[int, ...] = GROUP) -> tuple[Tensor, Tensor]:
    """Return each reward minus the mean (0 if unscored) and the scored count.

    The mean is taken in float64, so that it equals equal rewards exactly: in float32 three times
    2.7446656 has a mean that is not 2.7446656, and dividing by the deviation makes much of it.
    """
    scored = ~rewards.isnan()
    count = scored.sum(dim=over, keepdim=True)
    wide = rewards.double()
    difference = wide - wide.nansum(dim=over, keepdim=True) / count.clamp(min=1)
    return difference.masked_fill(~scored, 0.0).to(rewards.dtype), count


def divide_by_deviation(difference: Tensor, count: Tensor, over: tuple[int, ...]) -> Tensor:
    """Divide by the sample deviation (n - 1) plus 1e-4."""
    squares = difference.square().sum(over, keepdim=True)
    return difference / ((squares / (count - 1).clamp(min=1)).sqrt() + EPSILON)


def require_group(rewards: Tensor) -> None:
    """Raise where groups have one response only."""
    if rewards.shape[1] < 2:
        raise ValueError(
            f"A group-normalized advantage needs at least 2 responses a prompt, "
            f"but group_size is {rewards.shape[1]}; raise `group_size`."
        )


class Advantage(ABC):
    """An advantage with settings of its own; one without them is a plain function."""

    has_threshold = False
    """Whether it asks if a total reaches a value, so that nothing may be taken off before."""

    @abstractmethod
    def __call__(self, rewards: Tensor) -> Tensor:
        """Return the advantages. ``[B, G]``."""


def flat(rewards: Tensor) -> Tensor:
    """Tell which groups have scored responses, but none that differs from another. ``[B]``.

    Example:
        >>> import torch
        >>> nan = float("nan")
        >>> flat(torch.tensor([[1.0, 1.0], [1.0, 0.0], [2.0, nan], [nan, nan]]))
        tensor([ True, False,  True, False])
    """
    scored = ~rewards.isnan()
    highest = rewards.masked_fill(~scored, float("-inf")).amax(1)
    lowest = rewards.masked_fill(~scored, float("inf")).amin(1)
    return scored.any(1) & (highest == lowest)


def separates_responses(
    advantage: Callable[[Tensor], Tensor], group_size: int, most: float
) -> bool:
    """Tell whether an advantage tells one response from others that earn nothing.

    Args:
        advantage: Any function ``[B, G] -> [B, G]``.
        group_size: G.
        most: All that a response can earn, for which a threshold may ask; 1 is tried besides.

    Example:
        >>> def centered(rewards):
        ...     return rewards - rewards.mean(1, keepdim=True)
        >>> [separates_responses(centered, group, 1.0) for group in (2, 1)]
        [True, False]
    """
    probe = torch.eye(2, group_size)
    return any(bool(advantage(worth * probe).any()) for worth in (1.0, most))

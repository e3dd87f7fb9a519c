"""From rewards to advantages: pure functions ``[B, G] -> [B, G]``, one row a group.

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


def _spread(rewards: Tensor, over: tuple[int, ...] = GROUP) -> tuple[Tensor, Tensor]:
    """Return each reward minus the mean (0 if unscored) and the scored count.

    The mean is taken in float64, so that it equals equal rewards exactly: in float32 three times
    2.7446656 has a mean that is not 2.7446656, and dividing by the deviation makes much of it.
    """
    scored = ~rewards.isnan()
    count = scored.sum(dim=over, keepdim=True)
    wide = rewards.double()
    difference = wide - wide.nansum(dim=over, keepdim=True) / count.clamp(min=1)
    return difference.masked_fill(~scored, 0.0).to(rewards.dtype), count


def _scaled(difference: Tensor, count: Tensor, over: tuple[int, ...]) -> Tensor:
    """Divide by the sample deviation (n - 1) plus 1e-4."""
    squares = difference.square().sum(over, keepdim=True)
    return difference / ((squares / (count - 1).clamp(min=1)).sqrt() + EPSILON)


def _require_group(rewards: Tensor) -> None:
    """Raise where groups have one response only."""
    if rewards.shape[1] < 2:
        raise ValueError(
            f"A group-normalized advantage needs at least 2 responses a prompt, "
            f"but group_size is {rewards.shape[1]}; raise `group_size`."
        )


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
    _require_group(rewards)
    return _scaled(*_spread(rewards), over=GROUP)


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
    _require_group(rewards)
    if (rewards < 0).any():
        raise ValueError(
            f"The advantage `mean_normalized` needs rewards of at least 0, but one is "
            f"{rewards[rewards < 0][0].item():g}; choose another advantage, such as `standardized`."
        )
    difference, count = _spread(rewards)
    mean = rewards.nansum(1, keepdim=True) / count.clamp(min=1)
    return difference / mean.masked_fill(mean == 0, 1.0)


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
    return _scaled(*_spread(rewards, BATCH), over=BATCH)


def scaled_by_batch(rewards: Tensor) -> Tensor:
    """Subtract the mean of the group and divide by the deviation that is left in the global batch.

    Source: REINFORCE++ with baseline (arXiv 2501.03262, section 3.2). The batch's mean is 0 once
    the groups' are. A group without variance gets exactly 0.
    """
    difference, count = _spread(rewards)
    return _scaled(difference, count.sum(), over=BATCH)


def leave_one_out(rewards: Tensor) -> Tensor:
    """Subtract the mean of the *other* responses of the group (RLOO, arXiv 2402.14740).

    Example:
        >>> import torch
        >>> leave_one_out(torch.tensor([[1.0, 0.0, 0.0]]))
        tensor([[ 1.0000, -0.5000, -0.5000]])
    """
    difference, count = _spread(rewards)
    return difference * count / (count - 1).clamp(min=1)


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
    difference, count = _spread(rewards)
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


class Advantage(ABC):
    """An advantage with settings of its own; one without them is a plain function."""

    @abstractmethod
    def __call__(self, rewards: Tensor) -> Tensor:
        """Return the advantages. ``[B, G]``."""


class Accepted(Advantage):
    """Rejection-sampling finetuning: imitate the responses that are good enough, and no others.

    An accepted response has the advantage N / A, of N scored and A accepted ones in the global
    batch, and any other one 0. With `GRPO` and ``kl: 0``, whose loss divides by N, the gradient is
    then that of supervised finetuning on the accepted responses, each weighing alike::

        - 1/A sum over accepted of ( mean over its tokens of grad log p )

    A group whose responses are all accepted trains like any other; one without an accepted response
    does not. Leave ``redraws`` at 0: it draws all groups of equal rewards again, accepted ones too.

    Source: RAFT (arXiv 2304.06767), which keeps the best response of each prompt (``best``) and
    repeats sampling and finetuning. Deviations: every step samples anew; several best responses of
    one group are all kept; likelihoods are those of sampling (temperature, nucleus).

    Args:
        threshold: Least total reward of an accepted response.
        best: Accept only the best responses of each group, if they reach the threshold.

    Example:
        >>> import torch
        >>> Accepted(threshold=1.0)(torch.tensor([[1.0, 0.0], [1.5, 1.0], [0.0, 0.0]]))
        tensor([[2., 0.],
                [2., 2.],
                [0., 0.]])
    """

    def __init__(self, threshold: float = 1.0, best: bool = False) -> None:
        self.threshold = threshold
        self.best = best

    def __call__(self, rewards: Tensor) -> Tensor:
        """Return the advantages. ``[B, G]``."""
        scored = ~rewards.isnan()
        totals = rewards.masked_fill(~scored, float("-inf"))
        accepted = totals >= self.threshold - ROUNDING
        if self.best:
            accepted &= totals == totals.amax(1, keepdim=True)
        return accepted.to(rewards.dtype) * scored.sum() / accepted.sum().clamp(min=1)


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


def teaches(advantage: Callable[[Tensor], Tensor], group_size: int, most: float) -> bool:
    """Tell whether an advantage tells one response from others that earn nothing.

    Args:
        advantage: Any function ``[B, G] -> [B, G]``.
        group_size: G.
        most: All that a response can earn, for which a threshold may ask; 1 is tried besides.

    Example:
        >>> teaches(centered, 2, 1.0), teaches(centered, 1, 1.0)
        (True, False)
    """
    probe = torch.eye(2, group_size)
    return any(bool(advantage(worth * probe).any()) for worth in (1.0, most))

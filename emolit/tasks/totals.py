"""What several rewards are worth together: their weighted sum, and the responses that have none."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from emolit.errors import ConfigError
from emolit.rewards import Reward
from emolit.rewards.base import Scores


def hold_rewards(rewards: Sequence[Reward]) -> Sequence[Reward]:
    """Return rewards as modules of a task that do not train, each under a name of its own.

    Two of one name would share a curve.

    Raises:
        ConfigError: A name stands twice.
    """
    repeated = [name for name, n in Counter(reward.name for reward in rewards).items() if n > 1]
    if repeated:
        raise ConfigError(
            f"Several rewards are called {repeated[0]!r}; give each its own `name` in the config."
        )
    return cast("Sequence[Reward]", nn.ModuleList(rewards).requires_grad_(False))


def mask_incomplete(
    rewards: Sequence[Reward], scores: Mapping[str, Scores], progress: float = 0.0
) -> dict[str, Tensor]:
    """Return the values by name, NaN where a reward with a weight failed on the response.

    Such a response has no total: the rest of its sum would be compared with whole ones.

    Args:
        rewards: Those with a weight of 0 are only watched.
        scores: By name.
        progress: Share of the training that is over, 0 to 1; schedules follow it.
    """
    failed = [scores[each.name].failed & bool(each.weight_at(progress)) for each in rewards]
    lost = torch.stack(failed).any(0)
    return {name: score.values.masked_fill(lost, float("nan")) for name, score in scores.items()}


def weighted_sum(
    rewards: Sequence[Reward], values: Mapping[str, Tensor], progress: float = 0.0
) -> Tensor:
    """Add the values by weight, leaving out what does not apply.

    Args:
        rewards: Those with a weight of 0 are only watched.
        values: By name, NaN where a reward does not apply. ``[B, G]`` each
        progress: Share of the training that is over, 0 to 1; schedules follow it.

    Returns:
        ``[B, G]``; NaN where no reward with a weight applies.

    Raises:
        ConfigError: No reward has a weight.
    """
    weighted = [reward for reward in rewards if reward.weight]  # a schedule counts, also at 0
    if not weighted:
        raise ConfigError("No reward has a weight, so nothing can train; give one a weight.")
    parts = torch.stack([each.weight_at(progress) * values[each.name] for each in weighted])
    return parts.nansum(0).masked_fill(parts.isnan().all(0), float("nan"))


def check_above_zero(**settings: float | None) -> None:
    """Refuse settings that leave nothing to do.

    Raises:
        ConfigError: One is 0 or less, or no number.
    """
    for name, value in settings.items():
        if value is not None and not value > 0:
            raise ConfigError(f"`{name}` is {value}; it must be above 0.")

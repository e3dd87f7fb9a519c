"""Reward for responses that are not too long, in tokens."""

from torch import Tensor

from emolit.errors import ConfigError
from emolit.rewards.base import BatchedReward, Weight
from emolit.types import Rollout


class Length(BatchedReward):
    """``clip((free - n) / fade, low, high)`` for a response of n tokens, its end token included.

    One ramp is both forms in use:

    - *soft overlong punishment* (DAPO, arXiv 2503.14476, eq. 13): nothing up to ``free`` =
      L_max - L_cache tokens, falling to -1 over ``fade`` = L_cache; ``low: -1, high: 0``;
    - *target* (AudSemThinker, arXiv 2505.14142): ``clip(0.1 * (target - n) + 0.5, 0, 1)`` is
      ``free: target + 5, fade: 10, low: 0, high: 1``. There n counts words, here tokens.

    Args:
        free: Tokens at which the ramp is at 0.
        fade: Tokens over which it falls by 1.
        low: Lowest worth.
        high: Highest worth.
        weight: Factor in the total.
        name: Key in logs and predictions.

    Raises:
        ConfigError: The ramp does not fall, or its ends are not in order.
    """

    def __init__(
        self,
        free: float = 48,
        fade: float = 16,
        low: float = -1.0,
        high: float = 0.0,
        weight: Weight = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(weight, name)
        if fade <= 0 or low >= high:
            raise ConfigError(
                f"The reward {self.name!r} has fade {fade}, low {low} and high {high}; choose "
                "fade > 0 and low < high."
            )
        self.free = free
        self.fade = fade
        self.low = low
        self.high = high

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``.

        Example:
            >>> import torch
            >>> Length(free=16_384, fade=4_096).worth(torch.tensor([16_384, 18_432, 20_481]))
            tensor([ 0.0000, -0.5000, -1.0000])
        """
        return self.worth(rollout.mask.sum(-1))

    def worth(self, tokens: Tensor) -> Tensor:
        """Return what responses of so many tokens are worth."""
        return ((self.free - tokens.float()) / self.fade).clamp(self.low, self.high)

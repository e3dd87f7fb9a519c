"""Reward for an answer that some rater gave."""

from emolit.errors import ConfigError
from emolit.judges.guard import Guard
from emolit.rewards.base import Reward, Weight
from emolit.types import Answer, Clip


class AnyRater(Reward):
    """One if enough of a clip's raters chose the answer, else zero.

    As the secondary labels of challenges on naturalistic speech: an answer that one trained rater
    gave is not wrong. An unreadable answer is wrong; the reward does not apply to clips without
    votes.

    Args:
        least: Share of the raters that is enough, above 0 and up to 1; 0 takes a single one.
        weight: Factor in the total.
        name: Key in logs and predictions.
        guard: What a failure does.

    Raises:
        ConfigError: The share is not in [0, 1].

    Example:
        >>> clip = Clip(id="a", corpus="mine", path="a.wav", votes={"sad": 3, "neutral": 1})
        >>> [AnyRater(least).score(clip, "", "neutral") for least in (0.0, 0.5)]
        [1.0, 0.0]
    """

    def __init__(
        self,
        least: float = 0.0,
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name, guard)
        if not 0 <= least <= 1:
            raise ConfigError(
                f"The reward {self.name!r} has least {least:g}; it is a share, 0 to 1."
            )
        self.least = least

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return 1.0 or 0.0; None for a clip without votes."""
        total = sum(clip.votes.values())
        if not total:
            return None
        votes = clip.votes.get(answer, 0) if isinstance(answer, str) else 0
        return float(votes > 0 and votes / total >= self.least)

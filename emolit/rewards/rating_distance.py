"""Reward for numbers that lie near those of the raters."""

from emolit.affect.ratings import values_of
from emolit.rewards.base import Reward
from emolit.types import Answer, Clip


class RatingDistance(Reward):
    """1 less the distance to the raters as a share of their scale, mean over the attributes.

    An unreadable answer, and a number more than a scale away, are worth 0. The reward does not
    apply to clips without ratings of what was answered.

    Example:
        >>> from emolit.types import Rating
        >>> clip = Clip("a", "toy", "a.wav", attributes={"valence": Rating(4, 1, 5)})
        >>> RatingDistance().score(clip, "", ("valence 3",))
        0.75
    """

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return the worth of one response."""
        if not clip.attributes:
            return None
        if answer is None:
            return 0.0
        values = values_of(answer)
        rated = {name: clip.attributes[name] for name in values if name in clip.attributes}
        if not rated:
            return None
        away = [abs(its.share(values[name]) - its.share(its.value)) for name, its in rated.items()]
        return sum(1 - min(1.0, each) for each in away) / len(away)

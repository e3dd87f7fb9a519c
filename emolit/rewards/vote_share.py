"""Reward for the answer of many raters: the share that agrees with it."""

from emolit.rewards.base import Reward
from emolit.types import Answer, Clip


class VoteShare(Reward):
    """Share of a clip's raters who chose the answer: the expected agreement with one of them.

    An unreadable answer is worth 0; the reward does not apply to clips without votes. All raters
    count, also those whose choice the question does not offer.

    With `ExpectedReward` a policy learns to say what most raters chose, with `SoftLabels` to be as
    divided as they were.

    Example:
        >>> clip = Clip(id="a", corpus="mine", path="a.wav", votes={"sad": 3, "neutral": 1})
        >>> VoteShare().score(clip, "", "neutral")
        0.25
    """

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return the share, 0 to 1; None for a clip without votes."""
        total = sum(clip.votes.values())
        if not total:
            return None
        return clip.votes.get(answer, 0) / total if isinstance(answer, str) else 0.0

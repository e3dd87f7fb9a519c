"""Reward for the right label."""

from emolit.rewards.base import Reward
from emolit.types import Answer, Clip


class Correct(Reward):
    """One if the answer is the clip's label, else zero; does not apply to unlabeled clips.

    An unreadable answer is wrong.
    """

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return 1.0 or 0.0; None for a clip without label."""
        if clip.label is None:
            return None
        return float(answer == clip.label)

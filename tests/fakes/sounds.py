"""A reward that any response can earn in part, so that untrained models have something to learn."""

from emolit.rewards import Reward
from emolit.types import Answer, Clip


class Sounds(Reward):
    """The share of vowels among the letters of a response."""

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float:
        """Return a share between 0 and 1."""
        return sum(letter in "aeiou" for letter in response) / max(1, len(response))

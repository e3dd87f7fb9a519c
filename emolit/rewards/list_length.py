"""Reward against long lists of emotions."""

from emolit.errors import ConfigError
from emolit.rewards.base import Reward, Weight
from emolit.types import Answer, Clip


class ListLength(Reward):
    """``clip((free_words - n) / fade_words, -1, 0)`` for an answer of n distinct words.

    Scores that take the best match gain from every word added (AffectGPT-R1 observed over-long
    lists and compared three strengths of a penalty whose formula is not published). Ours: a
    ``fade_words`` of 1 takes 1 as soon as the list is longer than ``free_words``; a larger one
    takes it by degrees. It does not depend on how many words are right.

    Applies where the prompt reads a list; a single label or a caption is none. An unreadable
    answer has no words, and 0.

    Args:
        free_words: Words that cost nothing.
        fade_words: Words over which the worth falls to -1.
        weight: Factor in the total.
        name: Key in logs and predictions.

    Raises:
        ConfigError: A number is not positive.
    """

    def __init__(
        self,
        free_words: int = 8,
        fade_words: int = 1,
        weight: Weight = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(weight, name)
        if free_words < 1 or fade_words < 1:
            raise ConfigError(
                f"The reward {self.name!r} has free_words {free_words} and fade_words "
                f"{fade_words}; choose at least 1 for both."
            )
        self.free_words = free_words
        self.fade_words = fade_words

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return the worth; None where the answer is no list.

        Example:
            >>> reward = ListLength(free_words=2, fade_words=4)
            >>> reward.score(None, "", ("sad", "Sad ", "hurt", "lost"))
            -0.25
        """
        if isinstance(answer, str):
            return None
        words = {word.strip().casefold() for word in answer or ()}
        return max(-1.0, min(0, self.free_words - len(words)) / self.fade_words)

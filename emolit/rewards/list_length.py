"""Reward against long lists of emotions."""

from emolit.errors import ConfigError
from emolit.rewards.base import Reward, Weight
from emolit.types import Answer, Clip


class ListLength(Reward):
    """A cost for an answer of n distinct words: ``clip((free_words - n) / fade_words, -1, 0)``.

    Scores that take the best match gain from every word added (AffectGPT-R1 observed over-long
    lists and compared three strengths of a penalty whose formula is not published). Ours: a
    ``fade_words`` of 1 takes 1 as soon as the list is longer than ``free_words``; a larger one
    takes it by degrees. With ``slack`` the cost is ``max(0, n - m - slack) / m`` instead, m being
    the distinct gold words of the clip; it does not apply to clips without any. Neither depends on
    how many words are right. A third form multiplies the reward itself: ``slack`` of `WheelF1`.

    Applies where the prompt reads a list; a single label or a caption is none. An unreadable
    answer has no words, and 0.

    Args:
        free_words: Words that cost nothing.
        fade_words: Words over which the worth falls to -1.
        slack: Words that an answer may have more than gold; None takes the other two numbers.
        weight: Factor in the total.
        name: Key in logs and predictions.

    Raises:
        ConfigError: A number is not positive.
    """

    def __init__(
        self,
        free_words: int = 8,
        fade_words: int = 1,
        slack: int | None = None,
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
        self.slack = slack

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return the worth; None where the answer is no list.

        Example:
            >>> reward = ListLength(free_words=2, fade_words=4)
            >>> reward.score(None, "", ("sad", "Sad ", "hurt", "lost"))
            -0.25
        """
        if isinstance(answer, str):
            return None
        count = count_distinct(answer or ())
        if self.slack is None:
            return max(-1.0, min(0, self.free_words - count) / self.fade_words)
        gold = count_distinct(clip.emotions)
        return min(0, gold + self.slack - count) / gold if gold else None


def count_distinct(words: tuple[str, ...]) -> int:
    """Return the number of distinct words, case and surrounding blanks forgiven."""
    return len({word.strip().casefold() for word in words})

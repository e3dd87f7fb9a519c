"""Reward against saying the same again and again."""

from emolit.errors import ConfigError
from emolit.rewards.base import Reward, Weight
from emolit.text.words import plain, units
from emolit.types import Answer, Clip


class Repetition(Reward):
    """Minus the share of n-grams that stood before in the response, from 0 down to almost -1.

    Source: the repetition penalty of "Demystifying Long Chain-of-Thought Reasoning in LLMs" (arXiv
    2502.03373), which penalizes tokens inside repeated n-grams, in the form of one number a
    response: ``distinct n-grams / n-grams - 1``. Deviation: n-grams are of words without case, and
    of single Han and kana characters, not of tokens; tags do not count.

    Args:
        n: Words, or characters of Chinese and Japanese, in an n-gram.
        weight: Factor in the total.
        name: Key in logs and predictions.

    Raises:
        ConfigError: ``n`` is less than 1.
    """

    def __init__(self, n: int = 3, weight: Weight = 1.0, name: str | None = None) -> None:
        super().__init__(weight, name)
        if n < 1:
            raise ConfigError(f"The reward {self.name!r} has n {n}; choose at least 1.")
        self.n = n

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float:
        """Return 0.0 where nothing is repeated, also in a response of fewer than n words.

        Example:
            >>> Repetition(n=1).score(None, "<answer>so sad, so Sad</answer>", None)
            -0.5
        """
        said = units(plain(response))
        grams = [tuple(said[place : place + self.n]) for place in range(len(said) - self.n + 1)]
        return (len(set(grams)) - len(grams)) / max(1, len(grams))

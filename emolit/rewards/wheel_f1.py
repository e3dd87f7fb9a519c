"""Reward for the emotion words that hold for a clip."""

from emolit.affect.lexicon import Lexicon
from emolit.affect.wheel_score import Measure, Unknown, WheelScore
from emolit.rewards.base import Reward, Weight
from emolit.types import Answer, Clip


class WheelF1(Reward):
    """``EW(answer, gold)``: F of the answer's words on emotion wheels, averaged over wheels.

    The accuracy reward of AffectGPT-R1 by the form of `emolit.affect.wheel_score`. Gold words are
    the clip's, or its label where it has none; it does not apply where none of them has a group. A
    text is searched for emotion words; an unreadable or empty answer is worth 0. Two of them, with
    ``measure: recall`` and ``measure: precision``, names of their own and ``per_reward`` of the
    task, are MER-R1's separately normalized rewards.

    With `ReleasedTables` of version 2025, "fear" is rewarded as happy on four wheels: prefer the
    packaged words, or the tables of 2026.

    Args:
        lexicon: Groups the words; None takes `PackagedLexicon`.
        wheels: Names of the wheels that count; None takes all.
        ring: 1, the inner one, or 2.
        measure: ``F1``, ``precision`` or ``recall``.
        unknown: Whether answered words that the lexicon does not know are ``wrong`` or ``free``.
        slack: Words that an answer may have more than gold before the worth is multiplied by
            ``(gold + slack) / words`` (ours); None leaves it as it is.
        weight: Factor in the total.
        name: Key in logs and predictions.
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        wheels: list[str] | None = None,
        ring: int = 1,
        measure: Measure = "F1",
        unknown: Unknown = "free",
        slack: int | None = None,
        weight: Weight = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(weight, name)
        self.ew = WheelScore(lexicon, wheels, ring, measure, unknown)
        self.slack = slack

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return the worth; None where no gold word has a group.

        Example:
            >>> reward = WheelF1(wheels=["plutchik"])
            >>> reward.score(Clip("a", "toy", "a.wav", words=("furious", "sad")), "", ("angry",))
            0.6666666666666666
        """
        words = self.ew.words(answer)
        worth = self.ew(words, clip.emotions)
        if worth is None or self.slack is None:
            return worth
        lists = (words, clip.emotions)
        count, wanted = (len({word.strip().casefold() for word in each}) for each in lists)
        return worth * min(1.0, (wanted + self.slack) / max(count, 1))

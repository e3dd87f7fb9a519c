"""Reward for the emotions that a caption names."""

from emolit.affect.lexicon import Lexicon
from emolit.affect.wheel_score import WheelScore
from emolit.rewards.base import Reward, Weight
from emolit.text.words import text_of
from emolit.types import Answer, Clip


class EmotionWords(Reward):
    """F of the emotions that a caption names against those of its references. Ours.

    The score of one caption by the rules of `emolit.metrics.emotion_set_f1`: words that a lexicon
    spots, groups of inner rings, references taken together, mean over wheels of the F of the two
    sets. A caption that names no emotion or could not be read is worth 0; it does not apply to
    clips whose captions name none. It pays for words alone, not for a sentence around them: put it
    beside a reward that does.

    Args:
        lexicon: Spots and groups the words; None takes `PackagedLexicon`.
        wheels: Names of the wheels that count; None takes all.
        weight: Factor in the total.
        name: Key in logs and predictions.
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        wheels: list[str] | None = None,
        weight: Weight = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(weight, name)
        self.ew = WheelScore(lexicon, wheels)

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return the worth; None where the references name no emotion.

        Example:
            >>> clip = Clip("a", "toy", "a.wav", captions=("语气愤怒", "她很生气，也很难过"))
            >>> EmotionWords(wheels=["plutchik"]).score(clip, "", "声音里带着愤怒")
            0.6666666666666666
        """
        return self.ew(self.ew.words(text_of(answer)), self.ew.find_words(clip.captions))

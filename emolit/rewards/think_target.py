"""Reward for thinking that names the emotions that hold for a clip."""

from emolit.affect.lexicon import Lexicon
from emolit.affect.wheel_score import WheelScore
from emolit.prompts import Prompt
from emolit.prompts.base import read_tag
from emolit.rewards.base import Reward, Weight, check_thinking
from emolit.types import Answer, Clip


class ThinkTarget(Reward):
    """``EW(words of the thinking, gold)``, as `WheelF1` of what the think tag names.

    The "dual" reward of AffectGPT-R1, whose formula is not published; this one is ours. Emotion
    words are spotted literally: "not sad" names sad unless the lexicon has ``negated: drop``.
    Thinking that is missing, stands twice or names none is worth 0; it does not apply where no gold
    word has a group.

    Args:
        lexicon: Groups the words; None takes `PackagedLexicon`.
        wheels: Names of the wheels that count; None takes all.
        ring: 1, the inner one, or 2.
        weight: Factor in the total.
        name: Key in logs and predictions.
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        wheels: list[str] | None = None,
        ring: int = 1,
        weight: Weight = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(weight, name)
        self.ew = WheelScore(lexicon, wheels, ring)

    def prepare(self, prompt: Prompt) -> None:
        """Check that there is thinking.

        Raises:
            ConfigError: The prompt does not ask for it.
        """
        check_thinking(self, prompt)

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return the worth; None where no gold word has a group.

        Example:
            >>> clip = Clip("a", "toy", "a.wav", words=("sad",))
            >>> ThinkTarget().score(clip, "<think>A sorrowful tone.</think>", None)
            1.0
        """
        return self.ew(self.ew.words(read_tag(response, "think")), clip.emotions)

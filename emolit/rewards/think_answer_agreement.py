"""Reward for an answer that follows from the thinking."""

import torch
from torch import Tensor

from emolit.affect.lexicon import Lexicon
from emolit.affect.wheel_score import WheelScore
from emolit.judges.guard import Guard
from emolit.prompts import Prompt
from emolit.prompts.base import read_tag
from emolit.rewards.base import BatchedReward, Weight, check_thinking
from emolit.text.words import find_words
from emolit.types import Answer, Rollout


class ThinkAnswerAgreement(BatchedReward):
    """One if the thinking ends on the answer, else zero; of a list, how well the two agree.

    It ends on the last of the options that it names as whole words. Where the answer is a list,
    the worth is ``EW(words of the thinking, words of the answer)`` on emotion wheels
    (`emolit.affect.wheel_score`), the "alignment" reward of AffectGPT-R1, whose formula is not
    published. Thinking that names none, an unreadable answer, an answer that no wheel knows and
    missing thinking are worth 0: a response must not escape by saying nothing.

    Limits: an option's name is its own ("angry", not "anger"), and "not sad" names sad. Whether
    the answer is right is another reward's question.

    Args:
        lexicon: Groups the words; None takes `PackagedLexicon`.
        wheels: Names of the wheels that count; None takes all.
        ring: 1, the inner one, or 2.
        weight: Factor in the total.
        name: Key in logs and predictions.
        guard: Time limit of a rollout, and what a failure does.
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        wheels: list[str] | None = None,
        ring: int = 1,
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name, guard)
        self.ew = WheelScore(lexicon, wheels, ring)

    def prepare(self, prompt: Prompt) -> None:
        """Check that there is thinking to agree with.

        Raises:
            ConfigError: The prompt does not ask for it.
        """
        check_thinking(self, prompt)

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        options = rollout.batch.options
        rows = [
            [self.agreement(*pair, options) for pair in zip(responses, answers, strict=True)]
            for responses, answers in zip(rollout.responses, rollout.answers, strict=True)
        ]
        return torch.tensor(rows, dtype=torch.float32)

    def agreement(self, response: str, answer: Answer | None, options: tuple[str, ...]) -> float:
        """Return how far an answer agrees with the thinking before it, 0 to 1.

        Example:
            >>> reward = ThinkAnswerAgreement(wheels=["plutchik"])
            >>> reward.agreement("<think>Sad? No, angry.</think>", "angry", ("angry", "sad"))
            1.0
            >>> reward.agreement("<think>Low, hurt.</think>", ("sad", "proud"), ())
            0.6666666666666666
        """
        thinking = read_tag(response, "think")
        if thinking is None or not answer:
            return 0.0
        if isinstance(answer, str):
            return float(find_words(thinking, options or (answer,))[-1:] == [answer])
        return self.ew(self.ew.words(thinking), answer) or 0.0

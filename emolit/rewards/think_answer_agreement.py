"""Reward for an answer that follows from the thinking."""

import torch
from torch import Tensor

from emolit.errors import ConfigError
from emolit.prompts import Prompt
from emolit.prompts.base import tagged
from emolit.rewards.base import BatchedReward
from emolit.types import Answer, Rollout
from emolit.words import named


class ThinkAnswerAgreement(BatchedReward):
    """One if the thinking ends on the answer, else zero.

    It ends on the last of the options that it names as whole words; where the question has no
    options and the answer is a list, the worth is the share of the answer's words that the
    thinking names. Thinking that names none, an unreadable answer and missing thinking are worth
    0: a response must not escape by saying nothing.

    The "alignment" reward of AffectGPT-R1 asks the same with emotion wheels; its formula is not
    published. Limits: a name is the option's own ("angry", not "anger"), and "not sad" names sad.
    Whether the answer is right is another reward's question.
    """

    def prepare(self, prompt: Prompt) -> None:
        """Check that there is thinking to agree with.

        Raises:
            ConfigError: The prompt does not ask for it.
        """
        if "<think>" not in prompt.layout:
            raise ConfigError(
                f"The reward {self.name!r} looks for <think>, but the prompt "
                f"{type(prompt).__name__} asks for {prompt.layout!r}; take the reward out or use "
                "the prompt `Reasoning`."
            )

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        options = rollout.batch.options
        rows = [
            [agreement(*pair, options) for pair in zip(responses, answers, strict=True)]
            for responses, answers in zip(rollout.responses, rollout.answers, strict=True)
        ]
        return torch.tensor(rows, dtype=torch.float32)


def agreement(response: str, answer: Answer | None, options: tuple[str, ...]) -> float:
    """Return how far an answer agrees with the thinking before it, 0 to 1.

    Example:
        >>> agreement("<think>Sad? No, angry.</think>", "angry", ("angry", "sad"))
        1.0
        >>> agreement("<think>Low, hurt.</think>", ("hurt", "proud"), ())
        0.5
    """
    thinking = tagged(response, "think")
    if thinking is None or not answer:
        return 0.0
    if isinstance(answer, str):
        return float(named(thinking, options or (answer,))[-1:] == [answer])
    said = {word.casefold() for word in answer}
    return len({word.casefold() for word in named(thinking, said)}) / len(said)

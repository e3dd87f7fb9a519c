"""The answer at once: ``<answer>…</answer>`` (EMO-RL's implicit reasoning, IR)."""

from emolit.prompts.base import QUESTION, Prompt, option, read_tag
from emolit.prompts.variation import PromptVariation
from emolit.types import Clip


class Direct(Prompt):
    """Asks for one option in an answer tag and nothing else.

    Args:
        question: What is asked; ``{options}`` is replaced by the options, comma-separated.
        instruction: How to reply, behind the question; None takes the prompt's own.
        variation: Paraphrases, order of the options, transcript.
    """

    layout = "<answer>…</answer>"
    own_instruction = "Reply only with <answer>one option</answer>."

    def __init__(
        self,
        question: str = QUESTION,
        instruction: str | None = None,
        variation: PromptVariation = PromptVariation(),
    ) -> None:
        variation.check(question)
        self.question = question
        self.instruction = self.own_instruction if instruction is None else instruction
        self.variation = variation

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question with its options."""
        return self.variation.question_of(self.question, self.instruction, clip, options)

    def parse(self, response: str, options: tuple[str, ...]) -> str | None:
        """Return the option in the only answer tag.

        Example:
            >>> Direct().parse("<answer>Sad </answer>", ("angry", "sad"))
            'sad'
        """
        return option(read_tag(response, "answer"), options)

    def target(self, clip: Clip) -> str | None:
        """Return the label in its tag."""
        return None if clip.label is None else f"<answer>{clip.label}</answer>"

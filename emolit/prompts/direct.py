"""The answer at once: ``<answer>…</answer>``."""

from emolit.prompts.base import QUESTION, Prompt, label_of, option, put, tagged
from emolit.types import Clip


class Direct(Prompt):
    """Asks for one option in an answer tag and nothing else.

    Args:
        question: What is asked; ``{options}`` is replaced by the options, comma-separated.
        instruction: How to reply, behind the question; None takes the prompt's own.
    """

    layout = "<answer>…</answer>"
    own_instruction = "Reply only with <answer>one option</answer>."

    def __init__(self, question: str = QUESTION, instruction: str | None = None) -> None:
        self.question = question
        self.instruction = self.own_instruction if instruction is None else instruction

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question with its options."""
        return put(self.question, self.instruction, options)

    def parse(self, response: str, options: tuple[str, ...]) -> str | None:
        """Return the option in the only answer tag.

        Example:
            >>> Direct().parse("<answer>Sad </answer>", ("angry", "sad"))
            'sad'
        """
        return option(tagged(response, "answer"), options)

    def target(self, clip: Clip) -> str:
        """Return the label in its tag."""
        return f"<answer>{label_of(clip)}</answer>"

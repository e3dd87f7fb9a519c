"""Thinking before the answer: ``<think>…</think><answer>…</answer>``."""

from emolit.prompts.base import QUESTION, Prompt, label_of, option, put, tagged
from emolit.types import Clip


class Reasoning(Prompt):
    """Asks for free reasoning in a think tag, then one option in an answer tag.

    Args:
        question: What is asked; ``{options}`` is replaced by the options, comma-separated.
        instruction: How to reply, behind the question; None takes the prompt's own.
        thought: Text inside ``<think>`` of the supervised target, since corpora carry no
            reasoning; ``{transcript}`` is replaced by the clip's transcript.
    """

    layout = "<think>…</think><answer>…</answer>"
    own_instruction = (
        "Think first. Reply in exactly this form: "
        "<think>your reasoning</think><answer>one option</answer>"
    )

    def __init__(
        self,
        question: str = QUESTION,
        instruction: str | None = None,
        thought: str = "I listen to the voice.",
    ) -> None:
        self.question = question
        self.instruction = self.own_instruction if instruction is None else instruction
        self.thought = thought

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question with its options."""
        return put(self.question, self.instruction, options)

    def parse(self, response: str, options: tuple[str, ...]) -> str | None:
        """Return the option in the only answer tag after the only think tag.

        An answer written inside the reasoning does not count.

        Example:
            >>> Reasoning().parse("<think>low</think><answer>sad</answer>", ("angry", "sad"))
            'sad'
        """
        if tagged(response, "think") is None or tagged(response, "answer") is None:
            return None
        _, _, rest = response.partition("</think>")
        return option(tagged(rest, "answer"), options)

    def target(self, clip: Clip) -> str:
        """Return the fixed thought and the label in their tags."""
        thought = self.thought.replace("{transcript}", clip.transcript or "")
        return f"<think>{thought}</think><answer>{label_of(clip)}</answer>"

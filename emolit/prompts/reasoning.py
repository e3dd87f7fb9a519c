"""Free thinking before the answer: ``<think>…</think><answer>…</answer>`` (EMO-RL's EUR)."""

from emolit.prompts.base import QUESTION, Prompt, read_conclusion
from emolit.prompts.rationales import Rationales
from emolit.prompts.variation import PromptVariation
from emolit.types import Clip


class Reasoning(Prompt):
    """Asks for free reasoning in a think tag, then one option in an answer tag.

    Args:
        question: What is asked; ``{options}`` is replaced by the options, comma-separated.
        instruction: How to reply, behind the question; None takes the prompt's own.
        variation: Paraphrases, order of the options, transcript.
        rationales: File of ``emolit reason`` with the reasoning of the supervised target; a
            clip that it lacks has no target. None takes ``thought`` for every clip.
        thought: Text inside ``<think>`` of the supervised target without ``rationales``;
            ``{transcript}`` is replaced by the clip's transcript.
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
        variation: PromptVariation = PromptVariation(),
        rationales: str | None = None,
        thought: str = "I listen to the voice.",
    ) -> None:
        variation.check(question)
        self.question = question
        self.instruction = self.own_instruction if instruction is None else instruction
        self.variation = variation
        self.rationales = Rationales(rationales)
        self.thought = thought

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question with its options."""
        return self.variation.question_of(self.question, self.instruction, clip, options)

    def parse(self, response: str, options: tuple[str, ...]) -> str | None:
        """Return the option in the only answer tag after the only think tag.

        An answer written inside the reasoning does not count.

        Example:
            >>> Reasoning().parse("<think>low</think><answer>sad</answer>", ("angry", "sad"))
            'sad'
        """
        return read_conclusion(response, options)

    def target(self, clip: Clip) -> str | None:
        """Return the reasoning and the label in their tags."""
        thought = self.rationales.find(clip)
        if self.rationales.path is None:
            text = self.thought.replace("{transcript}", clip.transcript or "")
        elif thought is None:
            return None
        else:
            text = str(thought)
        return None if clip.label is None else f"<think>{text}</think><answer>{clip.label}</answer>"

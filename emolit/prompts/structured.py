"""Thinking in three steps before the answer (EMO-RL's explicit structured reasoning, ESR)."""

from emolit.prompts.base import QUESTION, Prompt, read_conclusion
from emolit.prompts.rationales import Rationales
from emolit.prompts.variation import PromptVariation
from emolit.types import Clip


class Structured(Prompt):
    """Asks for content, acoustics and summary in a think tag, then one option in an answer tag.

    The three fields are those of EMO-RL (arXiv 2509.15654); its wording is not published, this one
    is ours. A reply whose thinking lacks the fields can still be read; `WellFormed` is the reward
    that wants them.

    Args:
        question: What is asked; ``{options}`` is replaced by the options, comma-separated.
        instruction: How to reply, behind the question; None takes the prompt's own.
        variation: Paraphrases, order of the options, transcript.
        rationales: File of ``emolit reason`` with the reasoning of the supervised target; a
            clip that it lacks has no target. Reinforcement needs none.
    """

    layout = (
        "<think><content>…</content><acoustics>…</acoustics><summary>…</summary></think>"
        "<answer>…</answer>"
    )
    own_instruction = (
        "Think step by step. Reply in exactly this form: <think>"
        "<content>what is said and which words carry emotion</content>"
        "<acoustics>pitch, rhythm, speed, volume, voice quality</acoustics>"
        "<summary>what all of it says together</summary>"
        "</think><answer>one option</answer>"
    )

    def __init__(
        self,
        question: str = QUESTION,
        instruction: str | None = None,
        variation: PromptVariation = PromptVariation(),
        rationales: str | None = None,
    ) -> None:
        variation.check(question)
        self.question = question
        self.instruction = self.own_instruction if instruction is None else instruction
        self.variation = variation
        self.rationales = Rationales(rationales)

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question with its options."""
        return self.variation.question_of(self.question, self.instruction, clip, options)

    def parse(self, response: str, options: tuple[str, ...]) -> str | None:
        """Return the option in the only answer tag after the only think tag."""
        return read_conclusion(response, options)

    def target(self, clip: Clip) -> str | None:
        """Return the three fields and the label in their tags."""
        thought = self.rationales.find(clip)
        if thought is None or clip.label is None:
            return None
        fields = (
            f"<content>{thought.content}</content>"
            f"<acoustics>{thought.acoustics}</acoustics>"
            f"<summary>{thought.summary}</summary>"
        )
        return f"<think>{fields}</think><answer>{clip.label}</answer>"

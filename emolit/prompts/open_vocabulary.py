"""Any number of emotions in words of one's own: ``<answer>word, word</answer>``."""

from typing import Literal

from emolit.affect.word_lists import split_phrases
from emolit.prompts.base import Prompt, between, read_tag
from emolit.prompts.rationales import Rationales
from emolit.prompts.variation import PromptVariation
from emolit.text.words import split_list, split_list_as_released
from emolit.types import Clip


class OpenVocabulary(Prompt):
    """Asks for all emotions of the speaker as a list, with or without thinking before it.

    Args:
        open_question: What is asked; the default is AffectGPT's
            (https://arxiv.org/abs/2501.16566), which offers no options.
        instruction: How to reply, behind the question; None takes the prompt's own.
        variation: Paraphrases and the transcript, which is the subtitle of a video.
        think: Whether reasoning in a think tag comes first; the supervised target is then the
            clip's reason.
        rationales: File of ``emolit reason`` whose reasoning takes the place of reasons; a clip
            that it lacks has no target. None takes the reasons.
        reader: How a list is taken apart: ``strict`` as people and models write it, ``parity`` as
            the released scorer reads it, which does not even strip the text.
    """

    own_instruction = "Reply only with <answer>emotion, emotion, ...</answer>."
    own_instruction_thinking = (
        "Think first. Reply in exactly this form: "
        "<think>your reasoning</think><answer>emotion, emotion, ...</answer>"
    )

    def __init__(
        self,
        open_question: str = "Please recognize all possible emotional states of the character.",
        instruction: str | None = None,
        variation: PromptVariation = PromptVariation(),
        think: bool = False,
        rationales: str | None = None,
        reader: Literal["strict", "parity"] = "strict",
    ) -> None:
        own = self.own_instruction_thinking if think else self.own_instruction
        variation.check(open_question)
        self.open_question = open_question
        self.variation = variation
        self.instruction = own if instruction is None else instruction
        self.think = think
        self.rationales = Rationales(rationales)
        self.reader = reader
        self.layout = ("<think>…</think>" if think else "") + "<answer>…</answer>"

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question; options are not shown."""
        return self.variation.question_of(self.open_question, self.instruction, clip, options)

    def parse(self, response: str, options: tuple[str, ...]) -> tuple[str, ...] | None:
        """Return the words in the only answer tag, behind the only think tag if there is thinking.

        ``[]`` is a list without words; a tag with nothing in it is unreadable.

        Example:
            >>> OpenVocabulary().parse("<answer>[Happy, 'proud']</answer>", ())
            ('Happy', 'proud')
        """
        if self.think and read_tag(response, "think") is None:
            return None
        behind = response.rpartition("</think>")[-1] if self.think else response
        once = read_tag(response, "answer") is not None
        answer = between(behind, "answer") if once else None
        if answer is None or not answer.strip():
            return None
        return (
            split_list_as_released(answer)
            if self.reader == "parity"
            else split_phrases(split_list(answer))
        )

    def target(self, clip: Clip) -> str | None:
        """Return the clip's words, or its label, in their tag, behind its reason if it thinks."""
        answer = f"<answer>{', '.join(clip.emotions)}</answer>" if clip.emotions else None
        if answer is None or not self.think:
            return answer
        thought = clip.reason if self.rationales.path is None else self.rationales.find(clip)
        return None if thought is None else f"<think>{thought}</think>{answer}"

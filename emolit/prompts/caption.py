"""One sentence about how the speaker feels and how the voice shows it."""

from hashlib import sha256

from emolit.prompts.base import Prompt
from emolit.text.tokenizer import is_mark, tidy
from emolit.types import Clip

REQUEST = "请用一句话描述说话人的情感，以及声音是怎样表现它的。"
"""Describe in one sentence the emotion of the speaker and how the voice shows it."""


class Caption(Prompt):
    """Asks for a caption, in Chinese unless it is told otherwise.

    MECap-R1's prompt is not published; the words are ours.

    Args:
        request: What is asked for, in the language of the captions.
        transcript: Whether the question says what the clip says, where that is known; the audio is
            always there.
        quote: How it does; ``{transcript}`` is replaced by the clip's transcript.
        instruction: How to reply, behind the question; None takes the prompt's own.
    """

    layout = "…"
    own_instruction = "请直接给出这句话。"

    def __init__(
        self,
        request: str = REQUEST,
        transcript: bool = True,
        quote: str = "说话内容：{transcript}",
        instruction: str | None = None,
    ) -> None:
        self.request = request
        self.transcript = transcript
        self.quote = quote
        self.instruction = self.own_instruction if instruction is None else instruction

    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question; options have no place in it."""
        said = tidy(clip.transcript or "") if self.transcript else ""
        quote = self.quote.replace("{transcript}", said) if said else ""
        return " ".join(part for part in (quote, self.request, self.instruction) if part)

    def parse(self, response: str, options: tuple[str, ...]) -> str | None:
        r"""Return the caption on one line; None if no letter, digit or character is left.

        Example:
            >>> Caption().parse(" 声音低沉\n语速慢 ", ())
            '声音低沉 语速慢'
            >>> Caption().parse("……", ()) is None
            True
        """
        caption = tidy(response)
        return None if is_mark(caption.replace(" ", "")) else caption

    def target(self, clip: Clip) -> str | None:
        """Return one of the clip's captions: always the same one, drawn by a hash of its id.

        So each variant of wording is imitated in its share of the clips, and none in all of them.
        """
        if not clip.captions:
            return None
        drawn = int.from_bytes(sha256(clip.id.encode()).digest()[:8], "big")
        return tidy(clip.captions[drawn % len(clip.captions)])

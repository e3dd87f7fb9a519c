"""The contract of a prompt, and how tags are read.

A **layout** is one string that shows the form of a response, with ``…`` for free text, for example
``<think>…</think><answer>…</answer>``.
"""

import re
from abc import ABC, abstractmethod
from functools import lru_cache

from emolit.errors import CorpusError
from emolit.types import Answer, Clip

QUESTION = "Listen to the speaker. Which emotion do they express? Choose one of: {options}."
"""The default question of every prompt with closed options."""


class Prompt(ABC):
    """Puts a question about a clip and reads the answer out of a response."""

    layout: str
    """Form of the reply asked for."""

    @abstractmethod
    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question as plain text, without audio tokens and chat layout."""

    @abstractmethod
    def parse(self, response: str, options: tuple[str, ...]) -> Answer | None:
        """Return the answer in a response; None if it cannot be read.

        A word outside the options or a repeated tag is unreadable. Case and surrounding blanks
        are forgiven, synonyms are not.
        """

    def known(self, clip: Clip) -> bool:
        """Tell whether the clip has what the target is made of: a label, unless overridden."""
        return clip.label is not None

    @abstractmethod
    def target(self, clip: Clip) -> str:
        """Return the reply that supervised finetuning imitates.

        Raises:
            CorpusError: The clip lacks what the reply is made of.
        """


@lru_cache
def _pattern(layout: str) -> re.Pattern[str]:
    """Compile a layout.

    Blanks may stand between its pieces. Free text is not blank and holds none of the layout's own
    tags, but may hold any other sign, such as ``F0 < 200 Hz``.
    """
    pieces = [piece for piece in re.split(r"(<[^<>]+>|…)", layout) if piece.strip()]
    tags = "|".join(re.escape(piece) for piece in pieces if piece.startswith("<"))
    letter = rf"(?:(?!{tags}).)" if tags else "."
    parts = [rf"(?=\S){letter}+" if p == "…" else re.escape(p.strip()) for p in pieces]
    return re.compile(r"\s*" + r"\s*".join(parts) + r"\s*", flags=re.DOTALL)


def fits(response: str, layout: str) -> bool:
    """Tell whether the whole response has a layout: every tag once, in order, no field empty.

    Example:
        >>> fits("<think>low</think> <answer>sad</answer>", "<think>…</think><answer>…</answer>")
        True
        >>> fits("Sure! <answer>sad</answer>", "<answer>…</answer>")
        False
    """
    return _pattern(layout).fullmatch(response) is not None


def tagged(response: str, tag: str) -> str | None:
    """Return what stands between ``<tag>`` and ``</tag>``, stripped; None unless both stand once.

    Example:
        >>> tagged("so <answer> Sad </answer>", "answer")
        'Sad'
        >>> tagged("<answer>sad</answer><answer>sad</answer>", "answer") is None
        True
    """
    if response.count(f"<{tag}>") != 1 or response.count(f"</{tag}>") != 1:
        return None
    found = re.search(rf"<{tag}>(.*?)</{tag}>", response, flags=re.DOTALL)
    return found.group(1).strip() if found else None


def put(question: str, instruction: str, options: tuple[str, ...]) -> str:
    """Return a question with its options, followed by how to reply.

    Example:
        >>> put("Which? {options}", "Be brief.", ("angry", "sad"))
        'Which? angry, sad Be brief.'
    """
    asked = question.replace("{options}", ", ".join(options))
    return f"{asked} {instruction}".strip()


def option(word: str | None, options: tuple[str, ...]) -> str | None:
    """Return the option that a word names, case and surrounding blanks forgiven; else None."""
    if word is None:
        return None
    names = {name.casefold(): name for name in options}
    return names.get(word.strip().casefold())


def label_of(clip: Clip) -> str:
    """Return the clip's label.

    Raises:
        CorpusError: The clip has none.
    """
    if clip.label is None:
        raise CorpusError(
            f"The clip {clip.id!r} of {clip.corpus!r} has no label; "
            "leave it out of training or give it one in the manifest."
        )
    return clip.label

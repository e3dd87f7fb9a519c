"""The contract of a prompt, and how tags are read.

A **layout** is one string that shows the form of a response, with ``…`` for free text, for example
``<think>…</think><answer>…</answer>``.
"""

import inspect
import re
from abc import ABC, abstractmethod
from dataclasses import asdict, is_dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any

from emolit.prompts.rationales import Rationales
from emolit.prompts.variation import PromptVariation
from emolit.types import Answer, Clip

QUESTION = "Listen to the speaker. Which emotion do they express? Choose one of: {options}."
"""The default question of every prompt with closed options."""


class Prompt(ABC):
    """Puts a question about a clip and reads the answer out of a response."""

    layout: str
    """Form of the reply asked for."""
    variation: PromptVariation = PromptVariation()
    """What a question shows besides its own wording."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What it was made of: those arguments that it keeps under their own names.

        Example:
            >>> from emolit.prompts.direct import Direct
            >>> Direct("Which? {options}").arguments["question"]
            'Which? {options}'
        """
        names = inspect.signature(type(self)).parameters
        return {name: _plain(getattr(self, name)) for name in names if hasattr(self, name)}

    @abstractmethod
    def render(self, clip: Clip, options: tuple[str, ...]) -> str:
        """Return the question as plain text, without audio tokens and chat layout."""

    @abstractmethod
    def parse(self, response: str, options: tuple[str, ...]) -> Answer | None:
        """Return the answer in a response; None if it cannot be read.

        A word outside the options or a repeated tag is unreadable. Case and surrounding blanks
        are forgiven, synonyms are not.
        """

    @abstractmethod
    def target(self, clip: Clip) -> str | None:
        """Return the reply that supervised finetuning imitates.

        None where the clip lacks what the reply is made of: such a clip can be answered and, where
        it has a truth, be scored, but not imitated.
        """

    def reason(self, response: str) -> str | None:
        """Return what is thought before the answer, as plain text; None where nothing is.

        Example:
            >>> from emolit.prompts.reasoning import Reasoning
            >>> Reasoning().reason("<think>a <b>low</b> voice</think><answer>sad</answer>")
            'a low voice'
        """
        thought = read_tag(response, "think")
        plain = re.sub(r"</?\w+>", " ", thought or "")
        return " ".join(plain.split()) or None

    def instead(self, clip: Clip, response: str, label: str) -> str:
        """Return a response with another answer in place of its own.

        What stands before its last ``<answer>`` is kept. Without one nothing is, and the reply is
        the :meth:`target` of a clip of that label, or the bare answer where there is none.
        """
        before, tag, _ = response.rpartition("<answer>")
        if not tag:
            return self.target(replace(clip, label=label)) or f"<answer>{label}</answer>"
        return f"{before}{tag}{label}</answer>"


def _plain(value: Any) -> Any:
    """Return an argument as a config would say it."""
    if isinstance(value, Rationales):
        return None if value.path is None else str(value.path)
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


@lru_cache
def _pattern(layout: str) -> re.Pattern[str]:
    """Compile a layout.

    Blanks may stand between its pieces. Free text is not blank and holds none of the layout's own
    tags, but may hold any other sign, such as ``F0 < 200 Hz``. It ends where what stands behind it
    first fits, and nothing is tried twice (possessive quantifiers): the time is linear in the
    response.
    """
    pieces = [piece for piece in re.split(r"(<[^<>]+>|…)", layout) if piece.strip()]
    tags = "|".join(re.escape(piece) for piece in pieces if piece.startswith("<"))
    letter = rf"(?:(?!{tags}).)" if tags else "."
    behind, end = "", r"\s*+\Z"
    for free, run in reversed([(free, [*run]) for free, run in groupby(pieces, "…".__eq__)]):
        if free:
            rest = rf"(?:(?!{end}){letter})*+" if behind else rf"{letter}*+"
            behind = rf"\s*+(?=\S){letter}" * len(run) + rest + behind
        else:
            end = r"\s*+".join(re.escape(piece.strip()) for piece in run) + ("" if behind else end)
            behind = rf"\s*+{end}{behind}"
    return re.compile(behind or end, flags=re.DOTALL)


def fits(response: str, layout: str) -> bool:
    """Tell whether the whole response has a layout: every tag once, in order, no field empty.

    Example:
        >>> fits("<think>low</think> <answer>sad</answer>", "<think>…</think><answer>…</answer>")
        True
        >>> fits("Sure! <answer>sad</answer>", "<answer>…</answer>")
        False
    """
    return _pattern(layout).fullmatch(response) is not None


def read_tag(response: str, tag: str) -> str | None:
    """Return what stands between ``<tag>`` and ``</tag>``, stripped; None unless both stand once.

    Example:
        >>> read_tag("so <answer> Sad </answer>", "answer")
        'Sad'
        >>> read_tag("<answer>sad</answer><answer>sad</answer>", "answer") is None
        True
    """
    found = between(response, tag)
    return None if found is None else found.strip()


def between(response: str, tag: str) -> str | None:
    """Return what stands between ``<tag>`` and ``</tag>`` as it is; None unless both stand once.

    Example:
        >>> between("so <answer> Sad </answer>", "answer")
        ' Sad '
    """
    if response.count(f"<{tag}>") != 1 or response.count(f"</{tag}>") != 1:
        return None
    found = re.search(rf"<{tag}>(.*?)</{tag}>", response, flags=re.DOTALL)
    return found.group(1) if found else None


def option(word: str | None, options: tuple[str, ...]) -> str | None:
    """Return the option that a word names, case and surrounding blanks forgiven; else None."""
    if word is None:
        return None
    names = {name.casefold(): name for name in options}
    return names.get(word.strip().casefold())


def read_conclusion(response: str, options: tuple[str, ...]) -> str | None:
    """Return the option in the only answer tag behind the only think tag; else None."""
    if read_tag(response, "think") is None or read_tag(response, "answer") is None:
        return None
    _, _, rest = response.partition("</think>")
    return option(read_tag(rest, "answer"), options)

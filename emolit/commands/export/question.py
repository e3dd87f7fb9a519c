"""What a checkpoint was trained to be asked, as a text that another library can ask."""

import math
from dataclasses import dataclass
from typing import Any

from jsonargparse import ArgumentError

from emolit.commands.parsing import Parser
from emolit.commands.shelves import discover
from emolit.engine.weights.record import Record
from emolit.errors import ConfigError
from emolit.prompts import Prompt
from emolit.types import Clip

SPOKEN = "{transcript}"
"""Stands in a question where training put what a clip says."""


@dataclass(frozen=True)
class Question:
    """A question in words, and how its reply is read.

    Attributes:
        text: With `SPOKEN` in it, if the question says what the clip says.
        layout: Of the reply; free text is ``…``.
        labels: What can be answered; empty if that is open.
        max_tokens: Of a reply.
        stop: Strings that end it.
        seconds: Of a clip that are heard.
    """

    text: str
    layout: str
    labels: tuple[str, ...]
    max_tokens: int
    stop: tuple[str, ...]
    seconds: float

    @property
    def tagged(self) -> bool:
        """Whether the answer stands in a tag."""
        return "<answer>" in self.layout

    @property
    def spoken(self) -> bool:
        """Whether the question says what the clip says."""
        return SPOKEN in self.text


def question_of(record: Record, model: Any, data: Any, window: float | None) -> Question:
    """Return what is asked.

    Args:
        record: ``emolit.json``.
        model: Node of the task in the config of the training; None where it is not known.
        data: Node of the corpus, likewise.
        window: Seconds of a recording that the network hears; None is no limit.

    Raises:
        ConfigError: The prompt is not told, or its class cannot be made.
    """
    prompt, labels = prompt_of(record), tuple(record["labels"])
    clip = Clip("clip", "corpus", "clip.wav", transcript=SPOKEN)
    sampling = {
        **{"max_tokens": 64, "stop": ["</answer>"]},
        **(((model or {}).get("init_args") or {}).get("sampling") or {}),
        **(record.get("sampling") or {}),
    }
    loading = ((data or {}).get("init_args") or {}).get("loading") or {}
    return Question(
        text=prompt.render(clip, labels),
        layout=prompt.layout,
        labels=labels,
        max_tokens=sampling["max_tokens"],
        stop=tuple(sampling["stop"]),
        seconds=min(window or math.inf, loading.get("max_seconds") or 30.0),
    )


def prompt_of(record: Record) -> Prompt:
    """Return the prompt in its own wording, options in the order of the labels.

    Raises:
        ConfigError: It is not told, or its class cannot be made.
    """
    node = record.get("prompt")
    if not node:
        raise ConfigError(
            "The checkpoint's emolit.json names no prompt, so that nobody knows its question; "
            "train it with a `prompt`, and export what that has written."
        )
    settings = {**node["init_args"]}
    if isinstance(settings.get("variation"), dict):
        settings["variation"] = {**settings["variation"], "paraphrases": [], "shuffle": False}
    discover()
    parser = Parser(exit_on_error=False)
    parser.add_subclass_arguments(Prompt, "prompt", required=True)
    try:
        given = parser.parse_object({"prompt": {**node, "init_args": settings}})
    except ArgumentError as error:
        raise ConfigError(
            f"The prompt {node['class_path']!r} of the checkpoint cannot be made here: start "
            "`emolit export` in the folder where it was trained, so that its module is found."
        ) from error
    prompt: Prompt = parser.instantiate(given).prompt
    return prompt

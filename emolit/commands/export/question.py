"""What a checkpoint was trained to be asked, as a text that another library can ask."""

from dataclasses import dataclass
from pathlib import Path

from emolit.engine.weights.record import FILE
from emolit.inference.class_paths import without_code_of
from emolit.inference.trained import Trained, make
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
        seconds: Of a clip that are heard; None is no limit.
    """

    text: str
    layout: str
    labels: tuple[str, ...]
    max_tokens: int
    stop: tuple[str, ...]
    seconds: float | None

    @property
    def tagged(self) -> bool:
        """Whether the answer stands in a tag."""
        return "<answer>" in self.layout

    @property
    def spoken(self) -> bool:
        """Whether the question says what the clip says."""
        return SPOKEN in self.text


def question_of(trained: Trained) -> Question:
    """Return what a checkpoint was trained to be asked, in its prompt's own wording.

    Options stand in the order of the labels.
    """
    node = trained.record["prompt"]
    settings = {**node["init_args"]}
    if isinstance(settings.get("variation"), dict):
        settings["variation"] = {**settings["variation"], "paraphrases": [], "shuffle": False}
    with without_code_of(Path(trained.checkpoint)):
        prompt: Prompt = make(
            Prompt, {**node, "init_args": settings}, str(Path(trained.checkpoint) / FILE)
        )
    clip = Clip("clip", "corpus", "clip.wav", transcript=SPOKEN)
    return Question(
        text=prompt.render(clip, trained.labels),
        layout=prompt.layout,
        labels=trained.options,
        max_tokens=trained.sampling.max_tokens,
        stop=trained.sampling.stop,
        seconds=trained.window,
    )

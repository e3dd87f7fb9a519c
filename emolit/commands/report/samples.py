"""Answers to look at and to hear: some right ones, wrong ones and unreadable ones.

Which ones is drawn by a hash of their ids, so that the same runs always show the same clips.
"""

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import soundfile

from emolit.audio.decoding import decode
from emolit.commands.shelves import discover
from emolit.corpora import Corpus
from emolit.corpora.mixture import Mixture
from emolit.errors import EmolitError
from emolit.inference.trained import make
from emolit.reporting.run import Run

RATE, SECONDS = 16_000, 15.0
"""Of the sound in the page: its rate, and where it is cut."""
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """A clip and what each run answered.

    Attributes:
        kind: ``right``, ``wrong``, ``unreadable`` or ``readable``.
        line: Of the predictions of the run that it was chosen by.
        said: Its line in each run; None where a run was not asked.
        sound: A data URI; None without sound.
    """

    kind: str
    line: Line
    said: tuple[Line | None, ...]
    sound: str | None = None


def kind_of(line: Line, closed: bool) -> str:
    """Return how an answer is; open ones are neither right nor wrong."""
    if line["answer"] is None:
        return "unreadable"
    if not closed:
        return "readable"
    return "right" if line["answer"] == line["target"] else "wrong"


def choose(runs: Sequence[Run], corpus: str, closed: bool, number: int) -> list[Sample]:
    """Return some clips of each kind, the kinds in turn.

    Args:
        runs: The last one says of which kind an answer is.
        corpus: Whose clips.
        closed: Whether answers are labels.
        number: Clips of a kind, at most.
    """
    read = [{line["id"]: line for line in run.predictions(corpus)} for run in runs]
    chosen: dict[str, Any] = next((lines for lines in reversed(read) if lines), {})
    kinds: dict[str, list[Sample]] = {"wrong": [], "unreadable": [], "right": [], "readable": []}
    for name in sorted(chosen, key=lambda name: hash_of(corpus, name)):
        found = kinds[kind_of(chosen[name], closed)]
        if len(found) < number:
            said = tuple(lines.get(name) for lines in read)
            found.append(Sample(kind_of(chosen[name], closed), chosen[name], said))
    turns = zip_longest(*kinds.values())
    return [sample for turn in turns for sample in turn if sample is not None]


def hash_of(corpus: str, name: str) -> str:
    """Return what clips are drawn by."""
    return hashlib.sha256(f"{corpus}/{name}".encode()).hexdigest()


class Sounds:
    """The audio of the clips that a run was tested on.

    Args:
        config: Of the test; None where it is not known.

    Attributes:
        remarks: Sentences on what cannot be heard.
    """

    def __init__(self, config: dict[str, Any] | None) -> None:
        self.remarks: dict[str, str] = {}
        self._members = {each.name: each for each in self._corpora(config)}

    def _corpora(self, config: dict[str, Any] | None) -> list[Corpus]:
        if config is None or not config.get("data"):
            self.remarks[""] = "The config of the test is not there, which says where the audio is."
            return []
        discover()
        try:
            corpus = make(Corpus, config["data"], "The config of the test")
        except (EmolitError, ValueError) as error:
            self.remarks[""] = f"The corpora of the test cannot be opened: {error}"
            return []
        return corpus.corpora if isinstance(corpus, Mixture) else [corpus]

    def find(self, corpus: str, names: Sequence[str]) -> dict[str, str]:
        """Return data URIs of clips by id; what cannot be heard is left out, and remarked on."""
        member = self._members.get(corpus)
        if member is None or not names:
            return {}
        if not member.location.is_dir():
            self.remarks[corpus] = (
                f"The audio of {corpus} is not in {member.location}. To hear it, run "
                "emolit report where the test ran."
            )
            return {}
        try:
            clips = {clip.id: clip for clip in member.read_release() if clip.id in names}
            return {
                name: data_uri(member.location / clip.path, clip.start, clip.end)
                for name, clip in clips.items()
                if clip.path
            }
        except EmolitError as error:
            self.remarks[corpus] = f"The audio of {corpus} cannot be read: {error}"
            return {}


def data_uri(path: Path, start: float, end: float | None) -> str:
    """Return the beginning of a clip as FLAC in a data URI."""
    buffer = io.BytesIO()
    wave = decode(path, RATE, SECONDS, start, end).clamp(-1, 1)
    soundfile.write(buffer, wave.numpy(), RATE, "PCM_16", format="FLAC")
    return f"data:audio/flac;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"

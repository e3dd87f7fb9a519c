"""A trained checkpoint as an object that is asked in Python."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from emolit.audio.limits import SHORTEST_WINDOW
from emolit.data.dataset import Collate
from emolit.data.windows import check_overlap, cut_windows
from emolit.errors import ConfigError
from emolit.inference.answer import Answer, Segment, merge_segments, segments_of
from emolit.inference.sound import Audio, Sound, open_sound
from emolit.inference.trained import read_trained
from emolit.types import Clip

Scored = list[dict[str, Any]]
"""What a pipeline of transformers returns."""


@dataclass(frozen=True)
class _Window:
    """A window of one of several recordings: which, where, and its waveform."""

    recording: int
    clip: Clip
    waveform: Tensor


def choose_device(name: str | torch.device | None) -> torch.device:
    """Return where a model runs: the device of that name; for None a GPU if there is one.

    Raises:
        ConfigError: There is no such device here.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"The device {str(name)!r} cannot be used here "
            f"({str(error).splitlines()[0]}); leave it out, or name one that torch has, such as "
            "cpu or cuda:0."
        ) from error
    return device


class Listener:
    """Hears recordings and says which emotion they have, as the checkpoint has learned to.

    Question, labels and window are those of the training (``emolit.json``). A recording longer than
    the window is heard in windows that overlap; no more than a batch of them is held at once.

    Args:
        checkpoint: Folder of a trained model, such as ``runs/mine/grpo/best``.
        device: Where the model runs; None takes a GPU if there is one.
        batch_size: Windows asked about at once.
        window: Seconds; None takes what the model was trained to hear.
        overlap: Share of a window that the next one repeats, from 0 to below 1.

    Raises:
        PolicyError: The folder holds no such checkpoint.
        ConfigError: The window is longer than what the model hears.

    Example:
        ``emolit.load("runs/demo/grpo/best").predict("take1.wav").label``
    """

    def __init__(
        self,
        checkpoint: str | Path,
        device: str | torch.device | None = None,
        batch_size: int = 16,
        window: float | None = None,
        overlap: float = 0.25,
    ) -> None:
        check_overlap(overlap)
        if batch_size < 1:
            raise ConfigError(
                f"`batch_size` is {batch_size}; it is a number of windows, 1 or more."
            )
        where = choose_device(device)
        self.trained = read_trained(checkpoint)
        self.window = choose_window(window, self.trained.window)
        self.overlap = overlap
        self.batch_size = batch_size
        self._collate = Collate(
            self.trained.prompt, self.trained.labels, self.trained.sampling_rate
        )
        self._module = self.trained.module()
        self._module.configure_model()
        self._module.to(where).eval()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it chooses from, in class order; empty where answers are open."""
        return self.trained.options

    def predict(
        self, recording: Audio, sampling_rate: int | None = None, transcript: str | None = None
    ) -> Answer:
        """Return what is answered about a recording.

        Args:
            recording: A file, or samples ``[samples]`` or ``[channels, samples]`` in [-1, 1].
            sampling_rate: Of samples, in Hz; a file has its own.
            transcript: What is said, for prompts that show it.

        Raises:
            AudioError: The file cannot be decoded, or has no sound.
            ConfigError: Samples come without a sampling rate.
        """
        return self.predict_many([recording], sampling_rate, [transcript])[0]

    def predict_many(
        self,
        recordings: Iterable[Audio],
        sampling_rate: int | None = None,
        transcripts: Sequence[str | None] | None = None,
    ) -> list[Answer]:
        """Return what is answered about each recording, in their order; in batches.

        Args:
            recordings: As of `predict`.
            sampling_rate: Of those that are samples, in Hz.
            transcripts: One a recording; None where there is none.

        Raises:
            AudioError: A file cannot be decoded, or has no sound; nothing was asked then.
            ConfigError: Samples come without a sampling rate, or there are not as many transcripts.
        """
        if isinstance(recordings, str | Path | np.ndarray | Tensor):
            raise ConfigError("`predict_many` takes a list of recordings; `predict` takes one.")
        recordings = list(recordings)
        said = list(transcripts) if transcripts is not None else [None] * len(recordings)
        if len(said) != len(recordings):
            raise ConfigError(
                f"There are {len(recordings)} recordings and {len(said)} `transcripts`; give one "
                "each, None where there is none."
            )
        if self.trained.wants_transcript and None in said:
            rank_zero_warn(
                f"{self.trained.checkpoint} was trained with what is said in its question; "
                f"{said.count(None)} of {len(said)} recordings come without a transcript."
            )
        sounds = [open_sound(each, sampling_rate) for each in recordings]
        order = sorted(range(len(sounds)), key=lambda index: -sounds[index].seconds)
        windows = chain.from_iterable(
            self._windows(index, sounds[index], said[index]) for index in order
        )
        segments: list[list[Segment]] = [[] for _ in recordings]
        while batch := list(islice(windows, self.batch_size)):
            for window, segment in zip(batch, self._ask(batch), strict=True):
                segments[window.recording].append(segment)
        return [merge_segments(each, self.trained.options) for each in segments]

    @overload
    def __call__(
        self, recordings: list[Audio], sampling_rate: int | None = None
    ) -> list[Scored]: ...

    @overload
    def __call__(self, recordings: Audio, sampling_rate: int | None = None) -> Scored: ...

    def __call__(
        self, recordings: Audio | list[Audio], sampling_rate: int | None = None
    ) -> Scored | list[Scored]:
        """Answer as a pipeline of transformers for audio classification does.

        Args:
            recordings: One as of `predict`, or a list of them.
            sampling_rate: Of samples, in Hz.

        Returns:
            ``[{"label": …, "score": …}, …]``, the most probable label first; a list of these for a
            list. Of an open prompt the words, scored by the share of windows that say them; of a
            caption prompt ``[{"generated_text": …}]``.
        """
        if isinstance(recordings, list):
            return [as_dicts(each) for each in self.predict_many(recordings, sampling_rate)]
        return as_dicts(self.predict(recordings, sampling_rate))

    def _windows(self, index: int, sound: Sound, transcript: str | None) -> Iterator[_Window]:
        """Yield the windows of a recording, one at a time."""
        with closing(sound):
            for start, end in cut_windows(sound.seconds, self.window, self.overlap):
                waveform = sound.read(start, end, self.trained.sampling_rate)
                name = f"{sound.name}@{start:.2f}"
                clip = Clip(name, "recordings", "", transcript=transcript, start=start, end=end)
                yield _Window(index, clip, waveform)

    @torch.inference_mode()
    def _ask(self, windows: Sequence[_Window]) -> list[Segment]:
        batch = self._collate([(window.clip, window.waveform) for window in windows])
        evaluation = self._module.evaluate(batch, self._module.confidences)
        return segments_of(evaluation, self.trained.prompt.reason)


def choose_window(wanted: float | None, heard: float | None) -> float | None:
    """Return how long a window is.

    Args:
        wanted: In seconds; None takes what is heard.
        heard: What the model was trained to hear; None is all.

    Raises:
        ConfigError: More is wanted than is heard, or less than `SHORTEST_WINDOW`.
    """
    if wanted is None:
        return heard
    if not wanted >= SHORTEST_WINDOW or (heard is not None and wanted > heard):
        limit = "" if heard is None else f" up to {heard:g}, what the model was trained to hear"
        raise ConfigError(
            f"`window` is {wanted:g}; choose seconds from {SHORTEST_WINDOW:g}{limit}."
        )
    return wanted


def as_dicts(answer: Answer) -> list[dict[str, Any]]:
    """Return an answer as pipelines of transformers do: the most probable first."""
    if answer.probabilities:
        ranked = sorted(answer.probabilities.items(), key=lambda pair: -pair[1])
        return [{"label": name, "score": share} for name, share in ranked]
    if answer.words:
        windows = len(answer.segments)
        return [{"label": word, "score": n / windows} for word, n in answer.words.items()]
    return [{"generated_text": caption} for caption in answer.captions]

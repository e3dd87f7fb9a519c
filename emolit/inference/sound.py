"""What is heard of a recording: a file, or samples that someone holds."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from emolit.audio import decoding as audio
from emolit.audio.limits import RATES
from emolit.audio.segments import SegmentReader
from emolit.errors import AudioError, ConfigError

Audio = str | Path | NDArray[Any] | Tensor
"""A file, or samples ``[samples]`` or ``[channels, samples]`` in [-1, 1]."""


class Sound(Protocol):
    """A recording that can be heard.

    Attributes:
        name: For messages.
        seconds: How long it is.
    """

    @property
    def name(self) -> str: ...  # noqa: D102  # above

    @property
    def seconds(self) -> float: ...  # noqa: D102  # above

    def read(self, start: float, end: float, rate: int) -> Tensor:
        """Return a span, in seconds, as one mono waveform ``[samples]`` at a rate in Hz."""

    def close(self) -> None:
        """Let go of a file that is open."""


class FileSound:
    """A recording in a file.

    Args:
        path: The file.

    Raises:
        AudioError: It cannot be decoded, or has no sound.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)
        self.seconds = audio.check(path)
        self._reader: SegmentReader | None = None

    def read(self, start: float, end: float, rate: int) -> Tensor:
        """Decode a span; spans in rising order decode the file once."""
        self._reader = self._reader or SegmentReader(rate)
        return self._reader.read(self.path, start, end)

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None


@dataclass(frozen=True)
class ArraySound:
    """A recording as samples.

    Attributes:
        frames: ``[samples, channels]``
        rate: In Hz.

    Raises:
        AudioError: It has no sound.
    """

    frames: NDArray[np.float32]
    rate: int
    name = "the array"

    def __post_init__(self) -> None:
        """Refuse silence."""
        _, mono = audio.mix_down(Path(self.name), self.frames, self.seconds)
        if not mono.any():
            raise AudioError(f"The array of {len(mono)} samples has no sound: give a recording.")

    @cached_property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.frames) / self.rate

    def read(self, start: float, end: float, rate: int) -> Tensor:
        """Mix and resample a span."""
        frames = self.frames[round(start * self.rate) : round(end * self.rate)]
        return audio.resample(audio.mix_down(Path(self.name), frames, end)[1], self.rate, rate)

    def close(self) -> None:
        """Do nothing: there is no file."""


def open_sound(recording: Audio, sampling_rate: int | None = None) -> Sound:
    """Return what is heard of a recording.

    Args:
        recording: A file, or samples.
        sampling_rate: Of samples, in Hz.

    Raises:
        AudioError: It cannot be decoded, or has no sound.
        ConfigError: It is no recording, or samples come without a plausible sampling rate.
    """
    if isinstance(recording, str | Path):
        return FileSound(Path(recording))
    if not isinstance(recording, np.ndarray | Tensor):
        raise ConfigError(
            f"A {type(recording).__name__} is no recording; give a path, or samples as an array of "
            "NumPy or a tensor of torch."
        )
    low, high = RATES
    if sampling_rate is None or not low <= sampling_rate <= high:
        raise ConfigError(
            f"`sampling_rate` is {sampling_rate}, and samples say nothing about their speed; give "
            "it in Hz, such as 16000."
        )
    return ArraySound(as_frames(recording), sampling_rate)


def as_frames(samples: NDArray[Any] | Tensor) -> NDArray[np.float32]:
    """Return samples as a file would give them: ``[samples, channels]`` float32.

    Args:
        samples: ``[samples]`` or ``[channels, samples]``; integers are divided by their full scale.

    Raises:
        AudioError: There are other dimensions, or channels and samples seem to be swapped.
    """
    array = samples.detach().cpu().numpy() if isinstance(samples, Tensor) else np.asarray(samples)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[0] > array.shape[1]):
        raise AudioError(
            f"The array has the shape {array.shape}; give [samples] or [channels, samples]."
        )
    if np.issubdtype(array.dtype, np.integer):
        if array.dtype not in (np.int16, np.int32):
            raise AudioError(
                f"The array holds {array.dtype}, whose full scale is not known; give int16, int32, "
                "or floats in [-1, 1]."
            )
        array = array / (np.iinfo(array.dtype).max + 1)
    return np.ascontiguousarray(np.atleast_2d(array).T, dtype=np.float32)

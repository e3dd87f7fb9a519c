"""The audio track of a video container (MP4, AVI, MKV, …), decoded by PyAV.

PyAV brings FFmpeg's libraries along: no program of the system is called. It is an extra and is
imported when the first container is opened. Of several audio tracks the first is taken. A
surround track is reduced to its center, where film and television put what is said; other
channels hold music, effects and the laughter of the audience. (EmoBox takes the third channel of
MELD's 5.1 tracks, the same one.)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emolit.errors import AudioError, ConfigError

CONTAINERS = frozenset({".mp4", ".m4a", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".flv"})
"""Extensions of files that PyAV opens, in lower case."""
CENTER = "FC"
SURROUND = 3
"""From this number of channels on a track is a surround track."""
MICROSECONDS = 1_000_000
SLACK = 4096
"""Samples that may be missing at the end: coded audio comes in blocks, the last ones padded."""


class Track:
    """An open audio track with the part of `soundfile.SoundFile` that `emolit.audio` uses.

    Args:
        container: Of PyAV, open for reading, with an audio track.

    Attributes:
        samplerate: In Hz.
        frames: Samples a channel, by the header; of the whole container if it says no more.
        promised: Samples that must be there: those of the header of the track, less `SLACK`.
    """

    def __init__(self, container: Any) -> None:
        stream = container.streams.audio[0]
        self.samplerate = int(stream.sample_rate)
        own = float((stream.duration or 0) * stream.time_base) * self.samplerate
        self.frames = round(own or (container.duration or 0) / MICROSECONDS * self.samplerate)
        self.promised = max(0, round(own) - SLACK)
        self._blocks = _blocks(container, stream)
        self._rest = np.zeros((0, 1), np.float32)

    def seek(self, frames: int) -> int:
        """Skip so many samples from the start of a track not yet read; return how many it had."""
        return len(self.read(frames, dtype="float32", always_2d=True))

    def read(self, frames: int, dtype: str, always_2d: bool) -> NDArray[np.float32]:
        """Return the next samples: as many as wanted, or what is left.

        Args:
            frames: Number of samples a channel.
            dtype: float32, as everywhere in `emolit.audio`.
            always_2d: True, as everywhere in `emolit.audio`.

        Returns:
            float32, in [-1, 1] up to rounding of the codec. ``[frames, channels]``
        """
        parts, held = [self._rest], len(self._rest)
        while held < frames and (block := next(self._blocks, None)) is not None:
            parts.append(block)
            held += len(block)
        # an empty rest has one channel, a track may have two
        samples = np.concatenate([part for part in parts if len(part)] or parts[:1])
        self._rest = samples[frames:]
        return samples[:frames]


def _blocks(container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
    """Yield decoded samples ``[samples, channels]``; a surround track has one channel, its center.

    The resampler keeps rate and channels; it only turns every sample format into planar float.
    """
    from av import AudioResampler

    planar = AudioResampler(format="fltp")
    for frame in container.decode(stream):
        for converted in planar.resample(frame):
            channels = [channel.name for channel in converted.layout.channels]
            samples = converted.to_ndarray().T
            if len(channels) >= SURROUND and CENTER in channels:
                samples = samples[:, [channels.index(CENTER)]]
            yield samples


@contextmanager
def entered(path: Path) -> Iterator[Any]:
    """Open a container and close it again.

    Raises:
        AudioError: The file cannot be opened or decoded.
        ConfigError: PyAV is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{path} is a video container, and PyAV, which reads it, is not installed. Run "
            "`pip install 'emolit[video]'`, or convert it to WAV or FLAC to hear it."
        ) from error
    try:
        with av.open(str(path)) as container:
            yield container
    except av.error.FFmpegError as error:
        raise AudioError(
            f"{path} cannot be decoded: {error.strerror}. "
            "Copy the file again, or convert it to WAV or FLAC."
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[Track]:
    """Open the first audio track of a container.

    Raises:
        AudioError: The file cannot be opened or decoded, or has no audio track.
        ConfigError: PyAV is not installed.
    """
    with entered(path) as container:
        if not container.streams.audio:
            raise AudioError(
                f"{path} has no audio track, only {len(container.streams.video)} of video. "
                "Copy the file again or remove the clip."
            )
        yield Track(container)

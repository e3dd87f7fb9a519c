"""The audio track of a video container (MP4, AVI, MKV, …), decoded by PyAV.

PyAV brings FFmpeg's libraries along: no program of the system is called. It is an extra and is
imported when the first container is opened. Of several audio tracks the first is taken. A
surround track is reduced to its center, where film and television put what is said; other
channels hold music, effects and the laughter of the audience. (EmoBox takes the third channel of
MELD's 5.1 tracks, the same one.)

Whether a file was cut is told by what its header promises: MP4 and AVI tell the length of each
track; FFmpeg shortens that of an AVI to the size of the file, but keeps the count of the header.
Matroska and FLV tell the length of the whole alone, and there the last packet of any track must
reach it.
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
MARKS = {0: (b"\x1aE\xdf\xa3", b"FLV\x01"), 4: (b"ftyp", b"moov", b"mdat"), 8: (b"AVI ",)}
"""Where in a file, in bytes, stands what tells a container, whatever the file is called."""
TOLD = {"avi": "frames", "matroska,webm": "", "flv": ""}
"""Where PyAV has the length of a track by its header, by format: in its duration, but not here."""
CENTER = "FC"
SURROUND = 3
"""From this number of channels on a track is a surround track."""
MICROSECONDS = 1_000_000
STRIDE = 1 << 20
"""Samples a channel that are skipped at once."""
SLACK = 4096
"""Samples that may be missing at the end: coded audio comes in blocks, the last ones padded."""


class Track:
    """An open audio track with the part of `soundfile.SoundFile` that `emolit.audio.decoding` uses.

    Args:
        path: For messages.
        container: Of PyAV, open for reading, with an audio track that can be decoded.

    Attributes:
        samplerate: In Hz.
        channels: By the header.
        frames: Samples a channel, by the header; of the whole container if it says no more.
        promised: Samples that must be there: those of the header of the track, less `SLACK`.
    """

    def __init__(self, path: Path, container: Any) -> None:
        stream = container.streams.audio[0]
        self.samplerate = int(stream.sample_rate)
        self.channels = len(stream.layout.channels)
        told = TOLD.get(container.format.name, "duration")
        own = float((getattr(stream, told) or 0) * stream.time_base if told else 0)
        whole = (container.duration or 0) / MICROSECONDS
        self.frames = round((own or whole) * self.samplerate)
        self.promised = max(0, round(own * self.samplerate) - SLACK)
        # where the header is silent FFmpeg guesses by the bit rate, for the tracks as well
        self._whole = 0.0 if told or stream.duration is not None else whole
        self._last = 0.0
        self._blocks = self._decode(path, container, stream)
        self._rest = np.zeros((0, 1), np.float32)

    @property
    def shortfall(self) -> int:
        """Samples between the last packet of any track and the end that the header promises.

        It is known when all has been read; 0 where fewer than `SLACK` are missing.
        """
        missing = round((self._whole - self._last) * self.samplerate)
        return missing if missing > SLACK else 0

    def seek(self, frames: int) -> int:
        """Skip so many samples from the start of a track not yet read; return how many it had."""
        skipped = 0
        while read := len(self.read(min(STRIDE, frames - skipped), "float32", always_2d=True)):
            skipped += read
        return skipped

    def read(self, frames: int, dtype: str, always_2d: bool) -> NDArray[np.float32]:
        """Return the next samples: as many as wanted, or what is left.

        Args:
            frames: Number of samples a channel.
            dtype: float32, as everywhere in `emolit.audio.decoding`.
            always_2d: True, as everywhere in `emolit.audio.decoding`.

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

    def _decode(self, path: Path, container: Any, stream: Any) -> Iterator[NDArray[np.float32]]:
        """Yield samples ``[samples, channels]``; a surround track has one channel, its center.

        The resampler keeps rate and channels; it only turns every sample format into planar float.
        """
        from av import AudioResampler

        planar, first = AudioResampler(format="fltp"), None
        for packet in container.demux():
            if packet.pts is not None and packet.time_base:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                self._last = max(self._last, end)
            for frame in packet.decode() if packet.stream.index == stream.index else ():
                kind = (frame.sample_rate, frame.layout.name, frame.format.name)
                first = first or (self.samplerate, *kind[1:])
                if kind != first:
                    raise AudioError(
                        f"{path} changes from {first[0]} Hz, {first[1]}, to {kind[0]} Hz, "
                        f"{kind[1]}. Copy the file again, or convert it to WAV or FLAC."
                    )
                for converted in planar.resample(frame):
                    yield _heard(converted)


def _heard(frame: Any) -> NDArray[np.float32]:
    channels = [channel.name for channel in frame.layout.channels]
    samples: NDArray[np.float32] = frame.to_ndarray().T
    if len(channels) >= SURROUND and CENTER in channels:
        return samples[:, [channels.index(CENTER)]]
    return samples


def is_container(path: Path) -> bool:
    """Tell whether a file is a container, by its name or by its first bytes."""
    if path.suffix.lower() in CONTAINERS:
        return True
    with path.open("rb") as file:
        start = file.read(12)
    return any(start.startswith(mark, at) for at, marks in MARKS.items() for mark in marks)


def undecodable(path: Path, reason: str) -> AudioError:
    """Return the error of a file that a library refuses; one that holds text is said to."""
    with path.open("rb") as file:
        start = file.read(40)
    try:
        text = start.decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if text and all(letter.isprintable() or letter.isspace() for letter in text):
        return AudioError(
            f"{path} cannot be decoded: it holds text, which begins with {text!r}. "
            "Get the file again."
        )
    return AudioError(
        f"{path} cannot be decoded: {reason.rstrip('.')}. "
        "Copy the file again, or convert it to WAV or FLAC."
    )


@contextmanager
def open_container(path: Path) -> Iterator[Any]:
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
        with av.open(str(path), metadata_errors="replace") as container:
            yield container
    except av.error.FFmpegError as error:
        raise undecodable(path, error.strerror) from error


@contextmanager
def open_track(path: Path) -> Iterator[Track]:
    """Open the first audio track of a container.

    Raises:
        AudioError: The file cannot be opened or decoded, or has no audio track.
        ConfigError: PyAV is not installed.
    """
    with open_container(path) as container:
        if not container.streams.audio:
            raise AudioError(
                f"{path} has no audio track, only {len(container.streams.video)} of video. "
                "Copy the file again or remove the clip."
            )
        stream = container.streams.audio[0]
        if not is_decodable(stream) or not stream.sample_rate:
            raise undecodable(path, "its audio track has no codec that is known, or no rate")
        yield Track(path, container)


def is_decodable(stream: Any) -> bool:
    """Tell whether a stream can be decoded: a file that was cut may announce one and no more."""
    return stream.codec_context is not None and bool(stream.time_base)

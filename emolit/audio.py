"""One audio file to one waveform: decode, mix down, resample, crop; and whether it can be used.

Kept as they are: clips of a few hundredths of a second, any sampling rate, any number of channels
(their mean is taken). Whatever libsndfile opens is read: WAV, FLAC, MP3, OGG, AIFF and more; the
audio track of video containers, MP4, AVI and more, is read by PyAV (`emolit.container`).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import soundfile
import torch
from torch import Tensor
from torchaudio.transforms import Resample

from emolit import container
from emolit.errors import AudioError

Opened: TypeAlias = soundfile.SoundFile | container.Track
"""An open file, or the open audio track of one."""
BLOCK = 1 << 20
"""Frames held at once while a file is checked."""
TOLERANCE = 0.1
"""Seconds by which a listed end may lie behind the end of its file."""
POINTER = b"version https://git-lfs"
STREAMED = 0x7FFF0000
"""A data size from here on is a placeholder of programs that write into a pipe."""
SHORTFALL = re.compile(r"^\s*(?:data|SSND|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
"""How libsndfile's log tells the size in the header from the size in the file."""


def decode(
    path: Path,
    sampling_rate: int,
    max_seconds: float,
    start: float = 0.0,
    end: float | None = None,
) -> Tensor:
    """Return an audio file, or a segment of it, as one mono waveform.

    Args:
        path: The file.
        sampling_rate: Wanted rate in Hz.
        max_seconds: Only the first seconds of a longer clip are read.
        start: Where the clip begins in the file, in seconds.
        end: Where it ends there, in seconds; None is the end of the file.

    Returns:
        float32 in [-1, 1], the mean of all channels. ``[samples]``

    Raises:
        AudioError: The file cannot be opened or decoded, or has no audio track.
        ConfigError: It is a video container, and PyAV is not installed.
    """
    with _opened(path) as file:
        rate = int(file.samplerate)
        file.seek(round(start * rate))
        seconds = max_seconds if end is None else min(max_seconds, end - start)
        frames = file.read(round(seconds * rate), dtype="float32", always_2d=True)
    mono = torch.from_numpy(frames).mean(dim=1)
    return mono if rate == sampling_rate else _resampler(rate, sampling_rate)(mono)


@lru_cache(maxsize=8)
def _resampler(rate: int, wanted: int) -> Resample:
    """Return a resampler of the nearest ratio of whole numbers up to 1000.

    The ratio is exact for every common rate. For odd ones, such as 24,414 Hz, it is off by less
    than one part in a million, where the exact filter would take hundreds of megabytes.
    """
    ratio = Fraction(wanted, rate).limit_denominator(1000)
    return Resample(ratio.denominator, ratio.numerator)


def check(path: Path, start: float = 0.0, end: float | None = None) -> float:
    """Return the duration of a clip in seconds, having decoded all of it.

    Args:
        path: The file.
        start: Where the clip begins in it, in seconds.
        end: Where it ends there, in seconds; None is the end of the file.

    Raises:
        AudioError: The file is missing, empty, a git-lfs pointer, not audio, shorter than its
            header says or than the clip's end, without audio track or samples, not finite or all
            zero.
        ConfigError: It is a video container, and PyAV is not installed.
    """
    _check_file(path)
    with _opened(path) as file:
        promised = _promised(file)
        if start or end is not None:
            promised = _cut(path, file, start, end)
        frames, peak = _measure(path, file, promised if end is not None else None)
        rate = int(file.samplerate)
    if frames < promised:
        raise AudioError(
            f"{path} is truncated: its header says {promised} samples, {frames} can be read. "
            "Copy the file again."
        )
    if frames == 0:
        raise AudioError(f"{path} has length zero: a header and no samples. Remove the clip.")
    if peak == 0:
        raise AudioError(f"{path} is silent: all {frames} samples are zero. Remove the clip.")
    return frames / rate


def _check_file(path: Path) -> None:
    if not path.exists():
        raise AudioError(f"{path} is missing. Copy the file to its place or remove the clip.")
    if not path.is_file():
        raise AudioError(f"{path} is a folder and no audio file. Correct the path of the clip.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} has length zero: 0 bytes. Copy the file again.")
    try:
        with path.open("rb") as file:
            start = file.read(len(POINTER))
    except PermissionError as error:
        raise AudioError(f"{path} may not be read: {error.strerror}. Change its mode.") from error
    if start == POINTER:
        raise AudioError(f"{path} is a git-lfs pointer and no audio. Run `git lfs pull` there.")


@contextmanager
def _opened(path: Path) -> Iterator[Opened]:
    if path.suffix.lower() in container.CONTAINERS:
        with container.opened(path) as track:
            yield track
        return
    try:
        with soundfile.SoundFile(path) as file:
            yield file
    except soundfile.LibsndfileError as error:
        raise AudioError(
            f"{path} cannot be decoded: {error.error_string} "
            "Copy the file again, or convert it to WAV or FLAC."
        ) from error


def _promised(file: Opened) -> int:
    """Return how many samples the header promises, or the library's count if that is all."""
    if isinstance(file, container.Track):
        return file.promised
    found = SHORTFALL.search(file.extra_info)
    if found is None or int(found[1]) >= STREAMED or int(found[2]) == 0:
        return int(file.frames)
    return int(file.frames) * int(found[1]) // int(found[2])


def _cut(path: Path, file: Opened, start: float, end: float | None) -> int:
    """Go to the start of a segment and return how many samples it has."""
    rate, total = int(file.samplerate), int(file.frames)
    last = total if end is None else round(end * rate)
    if not 0 <= start * rate < min(last, total) or last > total + TOLERANCE * rate:
        raise AudioError(
            f"{path} lasts {total / rate:.2f} s; the clip is listed from {start:.2f} s to "
            f"{'its end' if end is None else f'{end:.2f} s'}. Correct the list or copy the file "
            "again."
        )
    return min(last, total) - int(file.seek(round(start * rate)))


def _measure(path: Path, file: Opened, limit: int | None) -> tuple[int, float]:
    """Return (samples a channel, largest magnitude) of what can really be decoded."""
    frames, peak = 0, 0.0
    most = float("inf") if limit is None else limit
    while len(block := file.read(int(min(BLOCK, most - frames)), dtype="float32", always_2d=True)):
        largest = float(torch.from_numpy(block).abs().max())
        if not largest < float("inf"):
            raise AudioError(
                f"{path} holds samples that are no finite numbers, the first within "
                f"{(frames + len(block)) / file.samplerate:.2f} s. Remove or repair the clip."
            )
        frames, peak = frames + len(block), max(peak, largest)
    return frames, peak

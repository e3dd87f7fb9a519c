"""One audio file to one waveform: decode, mix down, resample, crop; and whether it can be used.

Kept as they are: clips of a few hundredths of a second, any sampling rate, any number of channels
(their mean is taken). Whatever libsndfile opens is read: WAV, FLAC, MP3, OGG, AIFF and more; the
audio track of video containers, MP4, AVI and more, is read by PyAV (`emolit.audio.container`),
whatever the file is called. `check` and `decode` open, skip and mix in the same way: what the one
finds good the other can read.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchaudio.transforms import Resample

from emolit.audio import container
from emolit.audio.limits import check_header, check_length, check_samples
from emolit.errors import AudioError

Opened: TypeAlias = soundfile.SoundFile | container.Track
"""An open file, or the open audio track of one."""
BLOCK = 1 << 20
"""Frames held at once while a file is checked; fewer of more than 8 channels."""
TOLERANCE = 0.1
"""Seconds by which a listed end may lie behind the end of its file."""
POINTER = b"version https://git-lfs"
LOUDEST = 16.0
"""Largest magnitude of a sample, 24 dB above full scale, far more than a lossy coder overshoots.
Floats beyond it are whole numbers of 16 or 24 bits that nobody divided by their full scale."""
CANCELED = 0.03
"""Peak of the mean of channels, as a share of their own, below which they cancel each other out:
30 dB. One of them is inverted; their mean is what a coder's rounding left."""
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
        float32 in [-1, 1] but for overshoots of a coder, the mean of all channels. ``[samples]``

    Raises:
        AudioError: The file cannot be opened or decoded, has no audio track, claims what no
            recording has (`emolit.audio.limits`), or has samples that are not finite or far outside
            [-1, 1].
        ConfigError: It is a video container, and PyAV is not installed.
    """
    with open_audio(path) as file:
        rate = int(file.samplerate)
        _skip(file, round(start * rate))
        seconds = max_seconds if end is None else min(max_seconds, end - start)
        wanted = round(seconds * rate)
        check_samples(path, min(wanted, int(file.frames) or wanted), file.channels)
        frames = file.read(wanted, dtype="float32", always_2d=True)
    _, mono = mix_down(path, frames, start + seconds)
    if not len(mono):
        raise AudioError(f"{path} has no samples behind {start:.2f} s. Copy the file again.")
    return resample(mono, rate, sampling_rate)


def resample(waveform: Tensor, rate: int, wanted: int) -> Tensor:
    """Return a waveform ``[samples]`` at another sampling rate in Hz."""
    return waveform if rate == wanted else _resampler(rate, wanted)(waveform)


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
            header says or than the clip's end, without audio track or samples, not finite or far
            outside [-1, 1], all zero, of channels that cancel each other out, or more than a
            recording can be (`emolit.audio.limits`).
        ConfigError: It is a video container, and PyAV is not installed.
    """
    with open_audio(path) as file:
        rate = int(file.samplerate)
        promised = _frames_promised(file)
        if start or end is not None:
            cut = _cut(path, file, start, end)
            promised = cut if end is not None else promised - round(start * rate)
        frames, loudest, peak = _measure(path, file, promised if end is not None else None)
        if end is None and isinstance(file, container.Track):
            promised = max(promised, frames + file.shortfall)
    if frames < promised:
        raise AudioError(
            f"{path} is truncated: its header says {promised} samples, {frames} can be read. "
            "Copy the file again."
        )
    if frames == 0:
        raise AudioError(f"{path} has length zero: a header and no samples. Remove the clip.")
    if loudest == 0:
        raise AudioError(f"{path} is silent: all {frames} samples are zero. Remove the clip.")
    if peak < CANCELED * loudest:
        raise AudioError(
            f"{path} is silent when its channels are mixed: each peaks at up to {loudest:.3g}, "
            f"their mean at {peak:.3g}, as one is the other upside down. Keep one channel."
        )
    return frames / rate


def _check_file(path: Path) -> None:
    try:
        str(path).encode()
        if not path.is_file():
            path.stat()  # says why, if it is not a folder
            raise AudioError(f"{path} is a folder and no audio file. Correct the path of the clip.")
        if path.stat().st_size == 0:
            raise AudioError(f"{path} has length zero: 0 bytes. Copy the file again.")
        with path.open("rb") as file:
            start = file.read(len(POINTER))
    except UnicodeEncodeError as error:
        raise AudioError(f"{str(path)!r} is a name in no Unicode. Rename the file.") from error
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise AudioError(
            f"{path} is missing. Copy the file to its place or remove the clip."
        ) from error
    except PermissionError as error:
        raise AudioError(f"{path} may not be read: {error.strerror}. Change its mode.") from error
    except OSError as error:  # a name that is too long, links in a circle
        raise AudioError(
            f"{path} cannot be reached: {error.strerror}. Correct the path of the clip."
        ) from error
    if start == POINTER:
        raise AudioError(f"{path} is a git-lfs pointer and no audio. Run `git lfs pull` there.")


@contextmanager
def open_audio(path: Path) -> Iterator[Opened]:
    """Open a file by what it holds, and refuse a header that no recording has."""
    _check_file(path)
    if container.is_container(path):
        with container.open_track(path) as track:
            yield _plausible(path, track)
        return
    try:
        with soundfile.SoundFile(path) as file:
            yield _plausible(path, file)
    except soundfile.LibsndfileError as error:
        raise container.undecodable(path, error.error_string) from error


def _plausible(path: Path, file: Opened) -> Opened:
    check_header(path, int(file.samplerate), int(file.channels), int(file.frames))
    return file


def _skip(file: Opened, frames: int) -> int:
    """Go so many samples on from the start, by reading where a format cannot seek."""
    if isinstance(file, container.Track) or not frames or file.seekable():
        return int(file.seek(frames)) if frames else 0
    left = frames
    while left and (read := len(file.read(min(BLOCK, left), dtype="float32"))):
        left -= read
    return frames - left


def _frames_promised(file: Opened) -> int:
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
    return min(last, total) - _skip(file, round(start * rate))


def _measure(path: Path, file: Opened, limit: int | None) -> tuple[int, float, float]:
    """Return (samples a channel, largest magnitude of a channel, that of the mean of channels).

    What can really be decoded is measured.
    """
    frames, loudest, peak = 0, 0.0, 0.0
    most = float("inf") if limit is None else limit
    size = BLOCK // max(1, file.channels // 8)
    while len(block := file.read(int(min(size, most - frames)), dtype="float32", always_2d=True)):
        largest, mono = mix_down(path, block, (frames + len(block)) / file.samplerate)
        frames, loudest = frames + len(block), max(loudest, largest)
        check_length(path, frames / file.samplerate)
        peak = max(peak, float(mono.abs().max()))
    return frames, loudest, peak


def mix_down(path: Path, block: NDArray[np.float32], end: float) -> tuple[float, Tensor]:
    """Return the largest magnitude of some samples, and the mean of their channels.

    Args:
        path: For a message.
        block: ``[samples, channels]``
        end: Where it ends, in seconds, for a message.

    Raises:
        AudioError: A sample is no finite number, or far outside [-1, 1].
    """
    samples = torch.from_numpy(block)
    largest = float(samples.abs().max()) if len(block) else 0.0
    if not largest < float("inf"):
        raise AudioError(
            f"{path} holds samples that are no finite numbers, the first within {end:.2f} s. "
            "Remove or repair the clip."
        )
    if largest > LOUDEST:
        raise AudioError(
            f"{path} holds samples up to {largest:.6g}, where full scale is 1: they were not "
            "divided by their full scale. Divide them, for example by 32768 if they were 16-bit "
            "integers, and write the file again."
        )
    return largest, samples.mean(dim=1)

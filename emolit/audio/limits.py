"""What a recording may claim and become: refused before memory is taken for it.

A few bytes can promise, or unpack to, days of sound: a decompression bomb. So a header is believed
up to these limits only, and a file that becomes longer while it is decoded is given up there.
"""

from pathlib import Path

from emolit.errors import AudioError

RATES = (1_000, 1_000_000)
"""Sampling rates that recordings have, in Hz; a damaged header may say anything."""
CHANNELS = 64
"""More than any array of microphones in a corpus of speech."""
LONGEST = 24 * 3600
"""Seconds of one file: a day."""
SPARSEST = 4
"""Bytes a second in a file of more than an hour; FLAC writes digital silence in 27, at 8 kHz."""
SHORTEST_WINDOW = 0.1
"""Seconds of the shortest piece that is asked about; a day of them is a million."""
HOUR = 3600
SAMPLES = 1 << 30
"""Samples of all channels that are decoded at once: 4 GB."""
PIXELS = 1 << 26
"""Of one picture, 8192 by 8192."""
UNKNOWN = 1 << 62
"""From here on a number of samples says that the header knows none."""


def check_header(path: Path, rate: int, channels: int, frames: int) -> None:
    """Refuse a header that no recording has.

    Args:
        path: The file.
        rate: Sampling rate in Hz.
        channels: Number of channels.
        frames: Samples a channel.

    Raises:
        AudioError: Names what it says and what recordings have.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(
            f"{path} has a sampling rate of {rate} Hz by its header; recordings have {RATES[0]} to "
            f"{RATES[1]}. Copy the file again, or mend its header."
        )
    if channels > CHANNELS:
        raise AudioError(
            f"{path} has {channels} channels by its header; recordings have up to {CHANNELS}. Copy "
            "the file again, or keep the channels that hold speech."
        )
    if frames < UNKNOWN:
        check_length(path, frames / rate)


def check_length(path: Path, seconds: float) -> None:
    """Refuse more sound than a file of its size may hold.

    Args:
        path: The file.
        seconds: That it promises, or that were decoded up to now.

    Raises:
        AudioError: Names both.
    """
    size = path.stat().st_size if seconds > HOUR else 0
    if seconds > LONGEST or (seconds > HOUR and size < SPARSEST * seconds):
        raise AudioError(
            f"{path} holds {seconds / HOUR:.1f} h of sound in {size} bytes; a recording has up to "
            f"{LONGEST // HOUR} h, and {SPARSEST} bytes a second or more. Cut it into parts, or "
            "remove it if it is no recording."
        )


def check_samples(path: Path, frames: int, channels: int) -> None:
    """Refuse to decode more at once than fits into memory.

    Args:
        path: The file.
        frames: Samples a channel.
        channels: Number of channels.

    Raises:
        AudioError: Names what it would take.
    """
    if frames * channels > SAMPLES:
        raise AudioError(
            f"{path} would take {4 * frames * channels / 1e9:.0f} GB at once: {frames} samples in "
            f"{channels} channels. Lower `loading.max_seconds`, or mend the file."
        )


def check_picture(path: Path, width: int, height: int) -> None:
    """Refuse pictures that no camera takes.

    Raises:
        AudioError: Names their size.
    """
    if width * height > PIXELS:
        raise AudioError(
            f"{path} has pictures of {width} by {height} by its header; up to {PIXELS} pixels are "
            "decoded. Make the video smaller, or set `loading.frames` to 0."
        )

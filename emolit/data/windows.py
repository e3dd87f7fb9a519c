"""Long recordings as windows that overlap."""

from dataclasses import replace
from math import ceil

from emolit.errors import ConfigError
from emolit.types import Clip


def check_overlap(overlap: float) -> None:
    """Refuse an overlap that is no share below 1.

    Raises:
        ConfigError: It is none.
    """
    if not 0 <= overlap < 1:
        raise ConfigError(
            f"`overlap` is {overlap:g}; it is a share of the window, from 0 to below 1."
        )


def cut_windows(seconds: float, window: float | None, overlap: float) -> list[tuple[float, float]]:
    """Return the windows of a recording, in seconds from its start.

    All windows of a long recording have one length. The last one ends where the recording ends, so
    it may overlap more.

    Args:
        seconds: How long the recording is.
        window: How long a window is; None is as long as the recording.
        overlap: Share of a window that the next one repeats, from 0 to below 1.

    Example:
        >>> cut_windows(7.0, 3.0, 0.25)
        [(0.0, 3.0), (2.25, 5.25), (4.0, 7.0)]
        >>> cut_windows(2.0, 3.0, 0.25)
        [(0.0, 2.0)]
    """
    check_overlap(overlap)
    if window is None or seconds <= window:
        return [(0.0, seconds)]
    hop = window * (1 - overlap)
    last = seconds - window
    starts = [min(index * hop, last) for index in range(ceil(last / hop) + 1)]
    return [(start, start + window) for start in starts]


def span_of(clip: Clip) -> tuple[float, float]:
    """Return where a window begins and ends in its file, in seconds."""
    return clip.start, clip.start + (clip.seconds or 0.0) if clip.end is None else clip.end


def windows_of(clip: Clip, window: float | None, overlap: float) -> list[Clip]:
    """Return the windows of a clip as clips, whose ids are that of the clip, ``@`` and the start.

    Args:
        clip: One whose audio was looked at.
        window: In seconds; None is as long as the clip.
        overlap: Share of a window that the next one repeats.
    """
    return [
        replace(
            clip,
            id=f"{clip.id}@{start:.2f}",
            start=clip.start + start,
            end=clip.start + end,
            seconds=end - start,
        )
        for start, end in cut_windows(clip.seconds or 0.0, window, overlap)
    ]

"""Pictures out of a video, evenly spread over a clip, decoded by PyAV.

The clip is cut into N equal parts, and of each the picture that is shown in its middle is taken:
so N pictures stand for the whole, whatever its rate, and the last one is no fade-out.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emolit.audio.container import MICROSECONDS, is_decodable, open_container, undecodable
from emolit.audio.limits import PIXELS, check_picture
from emolit.errors import AudioError


def pictures(path: Path, count: int, side: int, start: float, seconds: float) -> Tensor:
    """Return pictures of a clip.

    Args:
        path: A video container.
        count: N.
        side: Longest side in pixels; larger pictures are made smaller, the ratio of sides stays.
        start: Where the clip begins in the file, in seconds.
        seconds: How long it is; where the video ends before, its last picture stands.

    Returns:
        RGB, uint8. ``[N, 3, height, width]``

    Raises:
        AudioError: The file cannot be opened or decoded, or has no pictures.
        ConfigError: PyAV is not installed.
    """
    middles = [start + seconds * (place + 0.5) / count for place in range(count)]
    with open_container(path) as container:
        if not container.streams.video:
            raise AudioError(f"{path} has no pictures, only sound. Set `loading.frames` to 0.")
        stream = container.streams.video[0]
        if not is_decodable(stream):
            raise undecodable(path, "its pictures have no codec that is known")
        check_picture(path, stream.width, stream.height)
        stream.codec_context.options = {"max_pixels": str(PIXELS)}  # the pictures may be larger
        if start:
            container.seek(int(start * MICROSECONDS))  # to the last whole picture before
        first = float((stream.start_time or 0) * stream.time_base)
        times = [first + middle for middle in middles]
        found = [resize(frame, side) for frame in frames_at(container.decode(stream), times)]
    if not found:
        raise AudioError(f"{path} ends before {start:.2f} s, where its clip begins. Copy it again.")
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).contiguous()


def frames_at(frames: Iterable[Any], times: list[float]) -> Iterator[Any]:
    """Yield the frame that is shown at each time: the last one that has begun, or the first.

    Args:
        frames: In order, each with the ``time`` at which it begins, in seconds.
        times: Rising.
    """
    current = None
    rest = list(times)
    for frame in (frame for frame in frames if frame.time is not None):
        while rest and current is not None and frame.time > rest[0]:
            yield current
            rest.pop(0)
        if not rest:
            return
        current = frame
    if current is not None:
        yield from (current for _ in rest)


def resize(frame: Any, side: int) -> Any:
    """Return a frame as RGB ``[height, width, 3]``, no longer than ``side`` pixels."""
    share = min(1.0, side / max(frame.width, frame.height))
    width, height = (max(1, round(share * size)) for size in (frame.width, frame.height))
    return frame.reformat(width=width, height=height, format="rgb24").to_ndarray()

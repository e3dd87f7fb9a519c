"""Real video files, made by PyAV: tones beside gray pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest


def write_video(
    path: Path,
    seconds: float = 0.25,
    rate: int = 48_000,
    layout: str = "stereo",
    pitches: Sequence[float] = (440.0, 440.0),
    codec: str | None = "aac",
    amplitude: float = 0.5,
    options: dict[str, str] | None = None,
    grays: Sequence[int] = (0,),
    size: tuple[int, int] = (16, 16),
) -> Path:
    """Write a container with one tone a channel; without `codec` it has no audio track.

    The pictures ``(width, height)`` are gray: each of the grays for an equal part of the video.
    """
    av = pytest.importorskip("av", reason="needs PyAV: pip install 'emolit[video]'")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream("mpeg4", rate=25)
        (video.width, video.height), video.pix_fmt = size, "yuv420p"
        if codec is not None:
            audio = container.add_stream(codec, rate=rate, layout=layout)
            times = np.arange(round(seconds * rate)) / rate
            tones = [amplitude * np.sin(2 * np.pi * pitch * times) for pitch in pitches]
            sound = av.AudioFrame.from_ndarray(
                np.stack(tones).astype(np.float32), format="fltp", layout=layout
            )
            sound.sample_rate = rate
            for frame in (sound, None):
                container.mux(audio.encode(frame))
        count = max(1, round(25 * seconds))
        for number in range(count):
            gray = grays[number * len(grays) // count]
            pixels = np.full((size[1], size[0], 3), gray, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode(None))
    return path

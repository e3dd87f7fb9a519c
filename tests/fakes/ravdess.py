"""A tiny RAVDESS: the official names, a tone of a twentieth of a second in every file."""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

ACTORS = range(1, 25)


def stems(actors: Iterable[int] = ACTORS) -> Iterator[str]:
    """Yield the 60 names of each actor; neutral has no strong intensity."""
    for actor, emotion, intensity, statement, repetition in product(
        actors, range(1, 9), (1, 2), (1, 2), (1, 2)
    ):
        if (emotion, intensity) != (1, 2):
            codes = (3, 1, emotion, intensity, statement, repetition, actor)
            yield "-".join(f"{code:02d}" for code in codes)


def write_ravdess(
    root: Path, actors: Iterable[int] = ACTORS, suffix: str = ".wav", rate: int = 16_000
) -> Path:
    """Write a release into ``root/ravdess`` and return that folder; the pitch tells the emotion."""
    folder = root / "ravdess"
    tones = {emotion: tone(folder, emotion, suffix, rate) for emotion in range(1, 9)}
    for stem in stems(actors):
        path = folder / f"Actor_{stem[-2:]}" / f"{stem}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tones[int(stem[6:8])])
    return folder


def tone(folder: Path, emotion: int, suffix: str, rate: int) -> bytes:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"tone{suffix}"
    seconds = np.arange(rate // 20) / rate
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 100 * emotion * seconds), rate)
    content = path.read_bytes()
    path.unlink()
    return content

"""A tiny EmoGator: names as published, a tone in every file."""

from collections.abc import Iterable
from pathlib import Path

from tests.fakes.listing import write_tone


def write_emo_gator(
    root: Path,
    contributors: Iterable[int] = range(1, 11),
    categories: Iterable[int] = range(1, 31),
    instances: int = 1,
) -> Path:
    """Write the files of some contributors and categories, as WAV; return the corpus folder."""
    folder = root / "emogator"
    numbers = [*categories]
    for who in contributors:
        for category in numbers:
            for instance in range(1, instances + 1):
                name = f"{who:06d}-{category:02d}-{instance}.wav"
                write_tone(folder / "data" / "mp3" / name)
    return folder

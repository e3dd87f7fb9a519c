"""A tiny EMO-DB: the official layout and numbers by letter, one tone in every file."""

from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

from tests.fakes.listing import write_tone

COUNTS = {"W": 127, "L": 81, "N": 79, "F": 71, "A": 69, "T": 62, "E": 46}
SPEAKERS = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
SENTENCES = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")


def stems() -> Iterator[str]:
    """Yield 535 names like 03a01Fa."""
    for letter, count in COUNTS.items():
        for version, sentence, speaker in islice(product("ab", SENTENCES, SPEAKERS), count):
            yield f"{speaker}{sentence}{letter}{version}"


def write_emo_db(root: Path, names: Iterator[str] | None = None, seconds: float = 0.05) -> Path:
    """Write clips into ``root/emodb/wav`` and return ``root/emodb``."""
    folder = root / "emodb"
    write_tone(folder / "tone.wav", seconds)
    content = (folder / "tone.wav").read_bytes()
    (folder / "tone.wav").unlink()
    (folder / "wav").mkdir()
    for name in stems() if names is None else names:
        (folder / "wav" / f"{name}.wav").write_bytes(content)
    (folder / "erkennung.txt").write_text("Satz\terkannt\tnatürlich\n", encoding="latin-1")
    return folder

"""A tiny SAVEE: both layouts, a tone of a twentieth of a second in every file."""

from collections.abc import Iterator
from pathlib import Path

from tests.fakes.listing import write_tone

SPEAKERS = ("DC", "JE", "JK", "KL")
COUNTS = {"a": 15, "d": 15, "f": 15, "h": 15, "n": 30, "sa": 15, "su": 15}


def stems() -> Iterator[tuple[str, str]]:
    """Yield speaker and the rest of each name, such as DC and a01."""
    for speaker in SPEAKERS:
        for letters, count in COUNTS.items():
            for number in range(1, count + 1):
                yield speaker, f"{letters}{number:02d}"


def write_savee(root: Path, layout: str = "AudioData", suffix: str = ".wav") -> Path:
    """Write a release into ``root/savee`` and return that folder.

    The layout is ``AudioData`` (a folder a speaker) or ``ALL`` (flat).
    """
    folder = root / "savee"
    write_tone(folder / f"tone{suffix}")
    content = (folder / f"tone{suffix}").read_bytes()
    (folder / f"tone{suffix}").unlink()
    for speaker, stem in stems():
        name = f"ALL/{speaker}_{stem}" if layout == "ALL" else f"AudioData/{speaker}/{stem}"
        path = folder / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder

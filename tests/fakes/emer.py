"""A tiny EMER: reasons and words as published, recordings where MER2023 has them."""

from pathlib import Path

from tests.fakes.listing import write_tone
from tests.fakes.mer import OPENSETS, REASON, names, write_rows, write_subtitles

REASONS = ("在视频中他怒吼", REASON)


def write_emer(root: Path, count: int = 20, recorded: bool = True) -> list[str]:
    """Write tables and recordings below the parent folder; return the names."""
    named, folder = names(count), root / "emer"
    rows = [(name, *REASONS) for name in named]
    table = folder / "dataset-v2" / "final-EMER-reason.csv"
    write_rows(table, ("name", "chinese", "english"), rows)
    words = [(name, OPENSETS[i % 4]) for i, name in enumerate(named)]
    write_rows(folder / "check-openset.csv", ("name", "openset"), words)
    if recorded:
        write_subtitles(folder / "transcription-engchi-polish.csv", named)
        for name in named:
            write_tone(root / "mer2023" / "train" / f"{name}.wav")
    return named

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


def write_emer_v1(root: Path, count: int = 20, recorded: bool = True) -> list[str]:
    """Write the tables of the first version, and recordings; return the names."""
    named, folder = names(count), root / "emer" / "dataset-v1"
    said = "Don't talk to me about feelings anymore."
    for file, emotions, text, reason in (
        ("gt-eng.csv", ("angry", "worried"), said, "In the video, he roared, spoke passionately."),
        ("gt-chi.csv", ("生气", "担忧"), "别再跟我谈感情了", "在视频中，他怒吼。"),
    ):
        rows = [(name, emotions[i % 2], text, reason) for i, name in enumerate(named)]
        write_rows(folder / file, ("names", "emotions", "subtitles", "reasons"), rows)
    for name in named if recorded else ():
        write_tone(root / "mer2023" / "train" / f"{name}.wav")
    return named

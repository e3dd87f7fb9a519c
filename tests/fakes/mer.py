"""Tiny releases of the MER challenges: tables as published, a tone in every file."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.fakes.listing import write_tone

EMOTIONS = ("neutral", "angry", "happy", "sad", "worried", "surprise")
OPENSETS = (
    "['pleasurable', 'self-deprecating', 'relaxed']", "['excited', 'joyful', 'happy']",
    "['suspect', 'question', 'doubt']", "['angry', 'mad']", "[]",
)  # fmt: skip
SAID = ("别再跟我说感觉。", "Don't talk to me about feelings anymore.")
REASON = 'In the video, he roared, "no", spoke quickly, and stared with wide eyes.'


def names(count: int, first: int = 0, prefix: str = "sample") -> list[str]:
    """Return names like those of the releases."""
    return [f"{prefix}_{first + 7 * number:08d}" for number in range(count)]


def write_rows(table: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a csv as pandas writes it."""
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return table


def write_subtitles(table: Path, named: Sequence[str]) -> Path:
    """Write what is said, nothing for the last clip."""
    rows = [(name, *SAID) for name in named[:-1]]
    return write_rows(table, ("name", "chinese", "english"), [*rows, (named[-1], "", "")])


def write_closed(
    folder: Path, table: str, place: str = "audio", valence: bool = True, count: int = 30
) -> list[str]:
    """Write a release whose table has one emotion a clip; return the names."""
    named = names(count)
    rows = [(name, EMOTIONS[i % 6], -0.25 * (i % 3)) for i, name in enumerate(named)]
    header = ("name", "discrete", "valence")
    if not valence:
        header, rows = header[:2], [row[:2] for row in rows]
    write_rows(folder / table, header, rows)
    write_subtitles(folder / "subtitle_chieng.csv", named)
    for name in named:
        write_tone(folder / place / f"{name}.wav")
    return named


def write_open(folder: Path, kind: str, count: int = 30) -> list[str]:
    """Write a release whose tables have words and reasons; return the names."""
    named = names(count)
    words = [(name, OPENSETS[i % len(OPENSETS)]) for i, name in enumerate(named)]
    write_rows(folder / f"track2_train_{kind}.csv", ("name", "openset"), words)
    reasons = [(name, REASON) for name in named]
    write_rows(folder / f"track3_train_{kind}.csv", ("name", "reason"), reasons)
    write_subtitles(folder / "subtitle_chieng.csv", named)
    for name in named:
        write_tone(folder / "audio" / f"{name}.wav")
    return named


def parts(count: int = 12) -> dict[str, dict[str, tuple[str, float]]]:
    """Return labels and valences of a small MER2023 by part; none of the latter in test 3."""
    found = {}
    for first, part in enumerate(("train", "test1", "test2", "test3")):
        prefix = "samplenew" if part == "test3" else "sample"
        value = -10 if part == "test3" else -2.5
        found[part] = {
            name: (EMOTIONS[i % 6], value) for i, name in enumerate(names(count, first, prefix))
        }
    return found


def write_mer2023(folder: Path, archive: bool = False) -> dict[str, dict[str, tuple[str, float]]]:
    """Write a MER2023 with its own tables, or with MERBench's archive; return its labels."""
    labels = parts()
    for part, rows in labels.items():
        for name in rows:
            write_tone(folder / part / f"{name}.wav")
        columns = 2 if part == "test3" else 3
        listed = [(name, *row)[:columns] for name, row in rows.items()]
        if not archive:
            header = ("name", "discrete", "valence")[:columns]
            write_rows(folder / f"{part}-label.csv", header, listed)
    if archive:
        write_archive(folder / "label-6way.npz", labels)
    every = [name for rows in labels.values() for name in rows]
    write_subtitles(folder / "transcription-engchi-polish.csv", every)
    return labels


def write_archive(path: Path, labels: Mapping[str, Mapping[str, tuple[object, float]]]) -> Path:
    """Write labels as MERBench does: a pickled dict a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dicts = {
        f"{part}_corpus": {name: {"emo": emo, "val": value} for name, (emo, value) in rows.items()}
        for part, rows in labels.items()
    }
    np.savez(path, **{part: np.array(rows, dtype=object) for part, rows in dicts.items()})
    return path

"""A user's own clips: short tones and the table that lists them."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

ROWS = tuple(
    {"path": f"wav/{speaker}{number}.wav", "label": label, "speaker": speaker}
    for speaker in "abcde"
    for number, label in enumerate(("angry", "sad", "happy"))
)
"""Five speakers with three clips each."""


def write_listing(
    folder: Path, rows: Sequence[Mapping[str, object]] = ROWS, name: str = "mine.csv"
) -> Path:
    """Write the audio of all rows and the table that lists them."""
    for row in rows:
        write_tone(folder / str(row["path"]))
    return write_table(folder / name, rows)


def write_table(table: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """Write rows as CSV, TSV or JSONL, by the name of the file."""
    if table.suffix == ".jsonl":
        lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return table
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with table.open("w", encoding="utf-8", newline="") as file:
        delimiter = "\t" if table.suffix == ".tsv" else ","
        writer = csv.DictWriter(file, columns, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return table


def write_tone(path: Path, seconds: float = 0.05) -> None:
    """Write a tone at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(np.arange(int(16_000 * seconds)) / 8), 16_000)

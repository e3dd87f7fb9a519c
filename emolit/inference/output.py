"""Answers as a table: CSV or JSONL, a recording or a window a row."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

from emolit.errors import ConfigError
from emolit.files.atomic import write_atomically
from emolit.files.json_lines import json_line
from emolit.inference.answer import Answer, Segment

By = Literal["recording", "window"]
Row = dict[str, Any]
KINDS = (".csv", ".jsonl")


def check_out(out: Path, overwrite: bool = False) -> None:
    """Refuse an output that is neither CSV nor JSONL, is there already, or cannot be written.

    Args:
        out: A file.
        overwrite: Whether one that is there may be replaced.

    Raises:
        ConfigError: It is so.
    """
    if out.suffix.lower() not in KINDS:
        raise ConfigError(f"--out {out} is neither .csv nor .jsonl; name it so.")
    if out.exists() and not overwrite:
        raise ConfigError(f"{out} is there; name another --out, or add --overwrite true.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise ConfigError(
            f"--out {out} cannot be written ({error.strerror}); name another place."
        ) from error


def rows_of(recording: str, path: str, answer: Answer, by: By) -> list[Row]:
    """Return the rows of a recording, as JSON has them.

    Args:
        recording: Its id.
        path: Its file.
        answer: What was said.
        by: One row, or one a window.
    """
    place = {"id": recording, "path": path}
    if by == "window":
        return [{**place, **_segment(each)} for each in answer.segments]
    told: Row = {**place, "answer": answer.text or None}
    if answer.words:
        told["words"] = dict(answer.words)
    if answer.probabilities:
        told["probabilities"] = dict(answer.probabilities)
    told |= {"reason": answer.reason, "seconds": round(answer.seconds, 3)}
    return [{**told, "windows": [_segment(each) for each in answer.segments]}]


def _segment(segment: Segment) -> Row:
    answer = segment.answer
    told: Row = {
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "answer": answer if answer is None or isinstance(answer, str) else list(answer),
    }
    if segment.probabilities:
        told["probabilities"] = dict(segment.probabilities)
    return {**told, "reason": segment.reason, "response": segment.response}


def problem_row(recording: str, path: str, problem: str) -> Row:
    """Return the row of a recording that could not be used."""
    return {"id": recording, "path": path, "problem": problem}


def write_rows(out: Path, rows: Sequence[Row], labels: Sequence[str]) -> None:
    """Write the output, whole or not at all.

    Args:
        out: A ``.csv`` or ``.jsonl`` file.
        rows: As `rows_of` and `problem_row` make them.
        labels: The options, whose probabilities get a column each in CSV.
    """
    with write_atomically(out) as file:
        if out.suffix.lower() == ".jsonl":
            file.writelines(map(json_line, rows))
        else:
            file.write(render_csv(rows, labels))


def render_csv(rows: Iterable[Row], labels: Sequence[str]) -> str:
    """Return rows as CSV: probabilities a column each, words joined, the number of windows."""
    flat = [flatten(row, labels) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row if name != "problem"))
    names += ["problem"] if any("problem" in row for row in flat) else []
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue().encode(errors="backslashreplace").decode()  # names in no Unicode


def flatten(row: Mapping[str, Any], labels: Sequence[str]) -> Row:
    """Return a row whose values are text and numbers.

    Example:
        >>> flatten({"id": "a", "probabilities": {"sad": 0.25}, "words": {"shy": 2}}, ["sad"])
        {'id': 'a', 'p_sad': 0.25, 'words': 'shy: 2'}
    """
    flat: Row = {}
    for name, value in row.items():
        if name == "probabilities":
            flat |= {f"p_{label}": round(value[label], 6) for label in labels}
        elif name == "words":
            flat[name] = ", ".join(f"{word}: {count}" for word, count in value.items())
        elif name == "windows":
            flat[name] = len(value)
        else:
            flat[name] = ", ".join(value) if isinstance(value, list) else value
    return flat

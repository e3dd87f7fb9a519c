"""Published scores of a corpus below those of one's own runs, each with its protocol."""

from collections.abc import Sequence
from importlib import resources
from string import ascii_lowercase
from typing import Any

import yaml

from emolit.reporting.tables import SCORES, Entry, ScoreTable, header_of, number

PUBLISHED = resources.files("emolit").joinpath("assets/published_ser.yaml")
SHOWN = SCORES[:4]
"""UA, WA, macro-F1 and weighted F1; sources print no more."""
REMARK = "Compare rows of one protocol; unreadable answers of the runs are wrong"


def published_table(corpus: str, entries: Sequence[Entry]) -> ScoreTable | None:
    """Return the rows of some runs on a corpus, and below them what others have published.

    Args:
        corpus: Its name.
        entries: Scores of the runs on it, each with ``run`` and ``n``.

    Returns:
        The table; None where nothing published is known of the corpus.
    """
    groups = [group for group in _groups() if group["corpus"] == corpus]
    if not groups:
        return None
    lettered = list(zip(ascii_lowercase, groups, strict=False))
    runs = [
        (entry["run"], str(entry["n"]), *(number(entry.get(name)) for name in SHOWN), "")
        for entry in entries
    ]
    rows = [
        (
            row["model"],
            str(group.get("clips", "-")),
            *(number(row[name] / 100 if name in row else None) for name in SHOWN),
            letter,
        )
        for letter, group in lettered
        for row in group["rows"]
    ]
    notes = [f"{letter}: {group['protocol']}; {group['source']}" for letter, group in lettered]
    header = ("", "n", *map(header_of, SHOWN), "protocol")
    told = (REMARK, *map(_clips_of, entries), *notes)
    return ScoreTable(f"{corpus}, beside published scores", header, (*runs, *rows), told)


def _clips_of(entry: Entry) -> str:
    """Return what a run has in place of a protocol: its clips, labels and speakers."""
    labels = sum(bool(label.get("support")) for label in entry.get("per_class", {}).values())
    speakers = {
        True: "of speakers that training has not heard",
        False: "of speakers that training has heard, or that are unknown",
    }[entry.get("speaker_independent", True)]
    return f"{entry['run']}: {entry['n']} clips of {labels} labels, {speakers}"


def published_corpora() -> tuple[str, ...]:
    """Return the corpora of which published scores are known."""
    return tuple(dict.fromkeys(group["corpus"] for group in _groups()))


def _groups() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))
    return found

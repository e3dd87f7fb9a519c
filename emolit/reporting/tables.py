"""Tables of scores, for the terminal and in Markdown.

An entry is what a test found out about one corpus, as it stands in ``scores.json``: ``corpus``,
``split``, ``n``, the scores by name, their ``signatures``, ``UA_interval``, ``per_class``,
``dropped``, ``skipped``, ``speaker_independent`` and ``notes``.

rich draws the terminal's tables. Markdown is joined here, since tabulate, and pandas through it,
escape no ``|``, break a row at a line end and pad each cell anew when one grows.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emolit.text.printable import printable

SCORES = ("UA", "WA", "macro_F1", "weighted_F1", "parse_rate")
"""What every table of scores shows, in this order."""
INTERVAL = "95% interval"
TAG = re.compile(r"<(?=[A-Za-z/!?])")
"""What begins HTML, and no comparison such as ``< 0.05``."""

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class ScoreTable:
    """A table of texts.

    Attributes:
        title: Stands above.
        header: Names of the columns.
        rows: One text a column.
        notes: Sentences that stand below.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def markdown(self) -> str:
        """Return the sheet as Markdown, with a heading."""
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        body = ["| " + " | ".join(_escape_pipes(cell) for cell in line) + " |" for line in lines]
        notes = [f"- {note}" for note in self.notes]
        blocks = [f"## {self.title}", "\n".join(body), "\n".join(notes)]
        return "\n\n".join(block for block in blocks if block) + "\n"

    def show(self) -> None:
        """Print the sheet on the terminal, in full even where that is narrower."""
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.markup import escape as escape_markup
        from rich.table import Table

        def escape(text: str) -> str:
            return escape_markup(printable(text))

        table = Table(
            title=escape(self.title),
            title_justify="left",
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        for name in self.header:
            table.add_column(escape(name), no_wrap=True)
        for row in self.rows:
            table.add_row(*(escape(cell) for cell in row))
        console = Console()
        wide = console.options.update(max_width=1000)
        console.width = max(console.width, console.measure(table, options=wide).maximum)
        console.print(table)
        for note in self.notes:
            console.print(escape(note), soft_wrap=True)


def scores_table(title: str, entries: Sequence[Entry], lead: tuple[str, ...]) -> ScoreTable:
    """Return the main table of closed labels: one entry a row.

    Args:
        title: Stands above.
        entries: Scores of one corpus each.
        lead: Keys of the entries that stand before the numbers.
    """
    header = (*lead, "n", "UA", INTERVAL, *map(header_of, SCORES[1:]))
    rows = [
        (
            *_leading_columns(entry, lead),
            number(entry.get("UA")),
            interval(entry.get("UA_interval")),
            *(number(entry.get(name)) for name in SCORES[1:]),
        )
        for entry in entries
    ]
    notes = [note for entry in entries for note in _notes(entry, lead)]
    return ScoreTable(title, header, tuple(rows), tuple(notes))


def _leading_columns(entry: Entry, lead: tuple[str, ...]) -> tuple[str, ...]:
    """Return what stands before the scores of a row."""
    return (*(str(entry[key]) for key in lead), str(entry["n"]))


def classes_table(title: str, entry: Entry) -> ScoreTable:
    """Return the table by class of one entry; a dash for a class without truths."""
    names = ("recall", "precision", "F1")
    rows = [
        (label, str(scores["support"]), *(number(scores[name]) for name in names))
        for label, scores in entry["per_class"].items()
        if "support" in scores
    ]
    return ScoreTable(title, ("label", "n", *names), tuple(rows))


def open_answers_table(title: str, entries: Sequence[Entry], names: Sequence[str]) -> ScoreTable:
    """Return the main table of scores without closed labels: one entry a row.

    The first score that has an interval shows it. Where all scores follow from the same choices,
    their signature stands below.

    Args:
        title: Stands above.
        entries: Scores of one corpus each.
        names: Scores that are shown, where an entry has them.
    """
    lead = ("corpus",)
    ranged = [name for name in names if any(f"{name}_interval" in entry for entry in entries)][:1]
    after = names.index(ranged[0]) + 1 if ranged else 0
    header = [*map(header_of, names)]
    header[after:after] = [INTERVAL for _ in ranged]
    rows = []
    for entry in entries:
        row = [number(entry.get(name)) for name in names]
        row[after:after] = [interval(entry.get(f"{name}_interval")) for name in ranged]
        rows.append((*_leading_columns(entry, lead), *row))
    notes = [note for entry in entries for note in _notes(entry, lead, *ranged)]
    told = {text for entry in entries for text in entry.get("signatures", {}).values()}
    if len(told) == 1:
        notes += told
    return ScoreTable(title, (*lead, "n", *header), tuple(rows), tuple(notes))


def parts_table(title: str, parts: Mapping[str, Entry]) -> ScoreTable:
    """Return a table of scores by part, such as a wheel: one part a row."""
    names = list(dict.fromkeys(name for scores in parts.values() for name in scores))
    rows = [(part, *(number(scores.get(name)) for name in names)) for part, scores in parts.items()]
    return ScoreTable(title, ("", *map(header_of, names)), tuple(rows))


def number(value: float | None) -> str:
    """Return a score with three decimals, a count as it is; a dash where there is none."""
    if value is None or math.isnan(value):
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def interval(found: Entry | None) -> str:
    """Return the ends of an interval; a dash where there is none, a star where it has a remark."""
    if found is None or found["low"] is None:
        return "-"
    star = "*" if found["remark"] else ""
    return f"{number(found['low'])}-{number(found['high'])}{star}"


def _notes(entry: Entry, lead: tuple[str, ...], ranged: str = "UA") -> list[str]:
    """Return what a reader of an entry's row, and of its interval, must know."""
    name = ", ".join(str(entry[key]) for key in lead)
    remark = (entry.get(f"{ranged}_interval") or {}).get("remark")
    left_out = entry.get("dropped") or {}
    shown = header_of(ranged)
    said = f"interval of {shown} {remark}" if "no interval" not in (remark or "") else remark
    notes = (
        [f"{name}: {str(said).replace('no interval', f'no interval of {shown}')}"] if remark else []
    )
    if entry.get("foreign_rate"):
        notes.append(
            f"{name}: {entry['foreign_rate']:.1%} of the answers name a label without clips"
        )
    if left_out:
        counts = ", ".join(f"{label} {count}" for label, count in left_out.items())
        notes.append(f"{name}: {sum(left_out.values())} clips left out by the label map: {counts}")
    if entry.get("outside"):
        notes.append(f"{name}: {entry['outside']} clips are in no split")
    if entry.get("skipped"):
        notes.append(f"{name}: {len(entry['skipped'])} clips left out for bad audio")
    if not entry.get("speaker_independent", True):
        notes.append(f"{name}: speakers of the training clips are heard, or speakers are unknown")
    return [*notes, *(f"{name}: {note}" for note in entry.get("notes", ()))]


def header_of(name: str) -> str:
    """Return the name of a score as a header."""
    return name.replace("_", " ")


def _escape_pipes(cell: str) -> str:
    """Keep a cell from ending early, breaking its line or being taken for HTML."""
    return TAG.sub("&lt;", cell.replace("|", "\\|").replace("\n", " "))

"""What must hold of all rows of a user's table together."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any
from unicodedata import normalize

from emolit.data.census import person
from emolit.data.links import LinkResolver
from emolit.data.manifest_rows import COLUMNS, id_of
from emolit.data.split_names import SPLITS
from emolit.files.headings import find_renamed, plain
from emolit.files.table import Row
from emolit.types import Clip

TIMES = ("start", "end")
SILENT = ("label", "openset", "speaker", "split", "transcript", *TIMES)
"""Columns whose absence need not show."""
INSTANT = 0.001
"""Seconds that neighbors may have in common: ends are rounded."""


def check_rows(rows: Sequence[Row], settled: Collection[str] = ()) -> None:
    """Refuse what is wrong with the table as a whole.

    That is ids that stand twice, splits given for some rows only, columns that would be missed
    under the names they have (`check_names`), and a column ``valence`` without a sign.

    Args:
        rows: Of the table.
        settled: Columns of ours of which the user has said where they stand, or that there is none.

    Raises:
        CorpusError: Names file, row and value.
    """
    check_names(rows, settled)
    check_sign(rows)
    seen: dict[str, int] = {}
    with_split = any(row.text("split") for row in rows)
    for row in rows:
        name = id_of(row)
        if name in seen:
            raise row.error(
                f"the id {name!r} stands in row {seen[name]} already",
                "Give every clip its own `id`, or remove the copy.",
            )
        seen[name] = row.number
        if with_split and row.text("split") is None:
            raise row.error("'split' is empty, other rows have one", "Fill it in everywhere.")


def check_names(rows: Sequence[Row], settled: Collection[str] = ()) -> None:
    """Refuse columns that are ours but for case and marks, and times of segments by other names.

    Without them a clip would be its whole file, or have our split in place of the table's: wrong,
    and nobody would see it.

    Args:
        rows: Of the table.
        settled: Columns of ours that are not looked for.

    Raises:
        CorpusError: Says how to rename them.
    """
    values: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for name, value in row.fields.items():
            if value is not None and value != "":
                values[name].append(value)
    strange = sorted(values.keys() - {*COLUMNS})
    for wanted in (name for name in SILENT if name not in values and name not in settled):
        other = find_renamed(wanted, strange)
        if other is not None and (
            plain(other) == wanted
            or wanted in TIMES
            or (wanted == "split" and {str(v).casefold() for v in values[other]} <= SPLITS.keys())
        ):
            unit = ", in seconds from the beginning of the file," if wanted in TIMES else ""
            raise rows[0].error(
                f"the column {other!r} would not be used, and there is no {wanted!r}",
                f"Rename it to {wanted!r}{unit} or remove it; or say with `columns` what it is: "
                f"{{{wanted}: {other}}}, or {{{wanted}: null}} if it is nothing of that kind.",
            )
    if "duration" in map(plain, strange) and "start" in values and "end" not in {*values, *settled}:
        raise rows[0].error(
            "there are 'start' and a duration, but no 'end'",
            "Write 'end', the sum of both, in its place; or remove it, or set "
            "`columns: {end: null}`: a clip then lasts to the end of its file.",
        )


def check_sign(rows: Sequence[Row]) -> None:
    """Refuse a column ``valence`` that is never below 0.

    Raises:
        CorpusError: Names its least and its greatest value.
    """
    values = [(value, row) for row in rows if (value := row.decimal("valence")) is not None]
    if not values:
        return
    (least, row), (most, _) = min(values, key=_value), max(values, key=_value)
    if least >= 0:
        raise row.error(
            f"'valence' is {least:g} here, nowhere less, and {most:g} at most: its sign is no "
            "polarity",
            "Subtract the middle of its scale; if that is 0 already, name the column 'sentiment'; "
            "if it is a rating to be answered as a number, give its scale in `attributes`.",
        )


def _value(pair: tuple[float, Row]) -> float:
    return pair[0]


@dataclass(frozen=True)
class _Part:
    """A clip as a part of a file."""

    clip: Clip
    file: Path

    @property
    def end(self) -> float:
        return inf if self.clip.end is None else self.clip.end


def check_recordings(clips: Sequence[Clip], rows: Mapping[str, Row], location: Path) -> None:
    """Refuse recordings that stand there twice, whatever their ids and however they are spelled.

    Two clips of one file must not overlap. Those of two speakers may, by less than half of the
    shorter, as people interrupt each other, unless they stand in different splits.

    Args:
        clips: Of the table.
        rows: By the id of the clip.
        location: What paths are relative to.

    Raises:
        CorpusError: Names both rows.
    """
    files: dict[str, list[_Part]] = defaultdict(list)
    links = LinkResolver()
    for clip in clips:
        file = links.resolve(location / clip.path)
        files[normalize("NFC", str(file)).casefold()].append(_Part(clip, file))
    for parts in files.values():
        for first, second in _overlaps(parts):
            if not _interrupts(first, second) and _same(first.file, second.file):
                row, other = rows[second.clip.id], rows[first.clip.id]
                raise row.error(
                    f"the recording {second.clip.path!r} stands in row {other.number} already, as "
                    f"{first.clip.path!r}, and the two overlap",
                    "Remove one of the rows, or mend their `start` and `end`.",
                )


def _overlaps(parts: list[_Part]) -> Iterator[tuple[_Part, _Part]]:
    """Yield pairs that have time in common."""
    going: list[_Part] = []
    for part in sorted(parts, key=lambda part: part.clip.start) if len(parts) > 1 else ():
        going = [other for other in going if other.end - part.clip.start > INSTANT]
        yield from ((other, part) for other in going)
        going.append(part)


def _interrupts(first: _Part, second: _Part) -> bool:
    """Tell whether two overlapping clips are of people who interrupt each other."""
    one, two = first.clip, second.clip
    if one.speaker is None or two.speaker is None or person(one.speaker) == person(two.speaker):
        return False
    common = min(first.end, second.end) - max(one.start, two.start)
    shorter = min(first.end - one.start, second.end - two.start)
    return common < shorter / 2 and (one.split == two.split or None in (one.split, two.split))


def _same(first: Path, second: Path) -> bool:
    """Tell whether two paths that differ in case or in how accents are composed are one file."""
    try:
        return first == second or first.samefile(second)
    except OSError:
        return False

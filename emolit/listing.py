"""A row of a user's table as a clip: which columns there are, and what may stand in them.

``path`` is needed, and one truth or several: ``label``, ``caption`` (or ``captions``), ``openset``
(words of an open vocabulary: a Python list or words between commas, `emolit.openset`; ``[]`` means
neutral, an empty field nothing), ``valence`` (or ``sentiment``, a number: negative, neutral 0,
positive). Optional: ``id``, ``speaker``, ``split``, ``transcript`` (or ``text``), ``reason`` (why
these emotions are heard), ``start`` and ``end`` (seconds, of a clip that is a part of its file) and
``video`` (a file with pictures; a video container that is heard is also the one to see). In JSONL
captions and words may be lists. ``arousal`` and whatever else is not used.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from emolit.container import CONTAINERS
from emolit.disk import spelled
from emolit.openset import words_of
from emolit.table import Row
from emolit.taxonomy import CANONICAL
from emolit.types import Clip, Split

SPLITS: dict[str, Split] = {
    "train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test",
}  # fmt: skip
"""Names of splits that are understood, in any case."""
COLUMNS = (
    "path", "label", "id", "speaker", "split", "transcript", "text", "caption", "captions",
    "openset", "valence", "sentiment", "reason", "start", "end", "video",
)  # fmt: skip


def lexical(path: Path) -> Path:
    """Return an absolute path without ``..``; links stay what they are."""
    return Path(os.path.normpath(path.absolute()))


def check_rows(rows: Sequence[Row]) -> None:
    """Refuse ids that stand twice, and splits given for some rows only.

    Raises:
        CorpusError: Names file, row and value.
    """
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


def id_of(row: Row) -> str:
    """Return the id of a row: its own, or its path."""
    return row.text("id") or row.required("path")


def clip_of(row: Row, corpus: str, location: Path, known: frozenset[str]) -> Clip:
    """Return the clip that a row describes; its label is still the file's own.

    Args:
        row: One of the table.
        corpus: Name of the corpus.
        location: What paths of clips shall be relative to.
        known: Labels that a row may have.

    Raises:
        CorpusError: Names file, row, value and what to do.
    """
    path = file_of(row, "path", location)
    clip = Clip(
        id=id_of(row),
        corpus=corpus,
        path=path,
        label=label_of(row, known),
        speaker=row.text("speaker"),
        split=split_of(row),
        transcript=row.text("transcript") or row.text("text"),
        captions=texts_of(row, "captions") or texts_of(row, "caption"),
        start=row.decimal("start") or 0.0,
        end=row.decimal("end"),
        words=openset_of(row),
        sentiment=row.decimal("sentiment" if row.text("valence") is None else "valence"),
        reason=row.text("reason"),
        video=video_of(row, path, location),
    )
    if clip.label is None and not clip.captions and not clip.words and clip.sentiment is None:
        raise row.error(
            "there is neither 'label' nor 'caption', 'openset' or 'valence'",
            "Fill one in, or remove the row.",
        )
    return clip


def label_of(row: Row, known: frozenset[str]) -> str | None:
    """Return the file's own label of a row; None where it has none.

    Raises:
        CorpusError: The label is unknown.
    """
    label = row.text("label")
    if label is not None and label not in known and label.casefold() in known:
        label = label.casefold()
    if label is not None and label not in known:
        raise row.error(
            f"the label {label!r} is unknown",
            f"Map it with `label_map`, for example {{{label}: neutral}}, or use one of "
            f"{', '.join(CANONICAL)}.",
        )
    return label


def split_of(row: Row) -> Split | None:
    """Return the split of a row; None where it has none.

    Raises:
        CorpusError: The split is unknown.
    """
    split = row.text("split")
    if split is None:
        return None
    if split.casefold() not in SPLITS:
        raise row.error(f"the split {split!r} is unknown", f"Use one of {', '.join(SPLITS)}.")
    return SPLITS[split.casefold()]


def file_of(row: Row, column: str, location: Path) -> str:
    """Return the path of a row's file relative to the location.

    Names that differ from the file's only in how accents are composed find it all the same.

    Raises:
        CorpusError: It is missing, or the file lies outside.
    """
    text = row.required(column)
    top, path = lexical(location), lexical(row.file.parent / text)
    if not path.is_relative_to(top):
        raise row.error(
            f"the {column} {text!r} lies outside {location}",
            "Move the file below it, or set `root` to a folder above both.",
        )
    relative = path.relative_to(top).as_posix()
    return spelled(top, relative) or relative


def video_of(row: Row, path: str, location: Path) -> str | None:
    """Return the path of a row's pictures: its own, or that of the file heard, if it has some."""
    if row.text("video"):
        return file_of(row, "video", location)
    return path if Path(path).suffix.lower() in CONTAINERS else None


def texts_of(row: Row, column: str) -> tuple[str, ...]:
    """Return the texts of a field: one, in JSONL also a list of them; none where it is empty."""
    values = row.fields.get(column)
    if isinstance(values, list):
        parts = [Row(row.file, row.number, {column: value}) for value in values]
        return tuple(part.required(column) for part in parts)
    text = row.text(column)
    return () if text is None else (text,)


def openset_of(row: Row) -> tuple[str, ...]:
    """Return the words of a row; ``neutral`` for an empty list, none for an empty field."""
    if row.fields.get("openset") == []:
        return words_of("[]")
    found = (word for text in texts_of(row, "openset") for word in words_of(text))
    return tuple(dict.fromkeys(found))

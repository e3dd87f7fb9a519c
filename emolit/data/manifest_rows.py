"""A row of a user's table as a clip: which columns there are, and what may stand in them.

``path`` is needed, and one truth or several: ``label``, ``caption`` (or ``captions``), ``openset``
(words of an open vocabulary: a Python list or words between commas, `emolit.affect.word_lists`;
``[]`` means neutral, an empty field nothing), ``valence`` (or ``sentiment``, a number: negative,
neutral 0, positive). Optional: ``id``, ``speaker``, ``split``, ``transcript`` (or ``text``),
``reason`` (why these emotions are heard), ``start`` and ``end`` (seconds, of a clip that is a part
of its file), ``video`` (a file with pictures; a video container that is heard is also the one to
see), and ``dialog`` with ``turn`` (which dialog, and the place there: a number that grows). In
JSONL captions and words may be lists. ``arousal`` and whatever else is not used.
`emolit.data.manifest_checks` refuses a column that seems to be one of these under another name
where it would be missed without a word, and a ``valence`` that is never negative.

No model of pydantic checks a row: what may be wrong depends on other columns and on the disk, and
each sentence with row, value and next step would have to be written around its errors all the same.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from emolit.affect.taxonomy import CANONICAL
from emolit.affect.word_lists import split_phrases, words_of
from emolit.audio.container import CONTAINERS
from emolit.data.split_names import SPLITS
from emolit.files.disk import find_spelling as spelled_on_disk
from emolit.files.headings import find_renamed
from emolit.files.media import AUDIO
from emolit.files.table import MISSING, Row
from emolit.types import Clip, Rating, Split

COLUMNS = (
    "path", "label", "id", "speaker", "split", "transcript", "text", "caption", "captions",
    "openset", "valence", "sentiment", "reason", "start", "end", "video", "dialog", "turn",
)  # fmt: skip


def lexical(path: Path) -> Path:
    """Return an absolute path without ``..``; links stay what they are."""
    return Path(os.path.normpath(path.absolute()))


def id_of(row: Row) -> str:
    """Return the id of a row: its own, or its path."""
    return row.text("id") or row.required("path")


def clip_of(
    row: Row,
    corpus: str,
    location: Path,
    known: frozenset[str],
    ratings: Mapping[str, Rating] = MappingProxyType({}),
) -> Clip:
    """Return the clip that a row describes; its label is still the file's own.

    Args:
        row: One of the table.
        corpus: Name of the corpus.
        location: What paths of clips shall be relative to.
        known: Labels that a row may have.
        ratings: Its attributes (`emolit.data.attribute_columns`).

    Raises:
        CorpusError: Names file, row, value and what to do.
    """
    path = file_of(row, "path", location)
    valence = row.decimal("valence")
    dialog, turn = place_in_dialog(row)
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
        sentiment=row.decimal("sentiment") if valence is None else valence,
        reason=row.text("reason"),
        video=video_of(row, path, location),
        attributes=dict(ratings),
        dialog=dialog,
        turn=turn,
    )
    open_truths = (clip.captions, clip.words, clip.attributes)
    if clip.label is None and clip.sentiment is None and not any(open_truths):
        other = None if "label" in row.fields else find_renamed("label", [*row.fields])
        raise row.error(
            "there is neither 'label' nor 'caption', 'openset' or 'valence'",
            f"Rename {other!r} to 'label', or set `columns: {{label: {other}}}`."
            if other
            else "Fill one in, or remove the row.",
        )
    return clip


def check_labels(rows: Sequence[Row], known: frozenset[str]) -> None:
    """Refuse labels that are unknown, all at once.

    Raises:
        CorpusError: Names each, with the row where it first stands.
    """
    strange: dict[str, Row] = {}
    for row in rows:
        label = row.text("label")
        if label is not None and match_label(label, known) is None:
            strange.setdefault(label, row)
    for label, row in strange.items():
        others = ", ".join(f"{name!r} (row {its.number})" for name, its in [*strange.items()][1:])
        meanings = ", ".join(f"{name!r}: …" for name in strange)
        raise row.error(
            f"the label {label!r} is unknown" + (f", and so are {others}" if others else ""),
            f"Map {'them' if others else 'it'} with `label_map`: {{{meanings}}}, with what is "
            f"meant in place of …; known are {', '.join(CANONICAL)}.",
        )


def match_label(label: str, known: frozenset[str]) -> str | None:
    """Return a label as it is known, in any case; None where it is not.

    Example:
        >>> [match_label(label, frozenset(("sad", "Wut"))) for label in ("SAD", "wut", "mad")]
        ['sad', 'Wut', None]
    """
    for form in (label, label.casefold()):
        if form in known:
            return form
    return next((name for name in sorted(known) if name.casefold() == label.casefold()), None)


def label_of(row: Row, known: frozenset[str]) -> str | None:
    """Return the label of a row as it is known; None where it has none.

    Raises:
        CorpusError: The label is unknown.
    """
    check_labels([row], known)
    label = row.text("label")
    return None if label is None else match_label(label, known)


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

    Names that differ from the file's only in how accents are composed find it all the same, and
    where there is no such file, one with another audio extension (``.flac`` for ``.wav``) is taken.

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
    stem, kind = relative.removesuffix(path.suffix), path.suffix.lower()
    others = [stem + other for other in sorted(AUDIO)] if kind in AUDIO else []
    spellings = (spelled_on_disk(top, form) for form in (relative, *others))
    found = next((form for form in spellings if form is not None), None)
    if found is None and "\\" in text:
        raise row.error(f"the {column} {text!r} has backslashes", "Write forward slashes.")
    return found or relative


def video_of(row: Row, path: str, location: Path) -> str | None:
    """Return the path of a row's pictures: its own, or that of the file heard, if it has some."""
    if row.text("video"):
        return file_of(row, "video", location)
    return path if Path(path).suffix.lower() in CONTAINERS else None


def place_in_dialog(row: Row) -> tuple[str | None, float | None]:
    """Return the dialog of a row and its place there; neither where a column is missing.

    Raises:
        CorpusError: Of two columns one is empty, or the place is no number.
    """
    if not {"dialog", "turn"} <= row.fields.keys():
        return None, None
    dialog, turn = row.text("dialog"), row.decimal("turn")
    if (turn is None) != (dialog is None):
        raise row.error("one of 'dialog' and 'turn' is empty", "Fill in both, or neither.")
    return dialog, turn


def texts_of(row: Row, column: str) -> tuple[str, ...]:
    """Return the texts of a field: one, in JSONL also a list of them; none where it is empty."""
    values = row.fields.get(column)
    if isinstance(values, list):
        parts = [Row(row.file, row.number, {column: value}) for value in values]
        return tuple(part.required(column) for part in parts)
    text = row.text(column)
    return () if text is None else (text,)


def openset_of(row: Row) -> tuple[str, ...]:
    """Return the words of a row; ``neutral`` for an empty list, none for an empty field.

    Raises:
        CorpusError: A word is a mark of what is missing, such as ``nan``.
    """
    if row.fields.get("openset") == []:
        return words_of("[]")
    found = [word for text in texts_of(row, "openset") for word in words_of(text)]
    strange = sorted({mark.lower() for mark in MISSING}.intersection(found))
    if strange:
        raise row.error(
            f"'openset' holds {strange[0]!r}, which is no word",
            "Leave it out; an empty field says nothing, [] says neutral.",
        )
    return tuple(dict.fromkeys(split_phrases(found)))

"""A user's own clips, listed in a CSV, TSV or JSONL file.

Columns: ``path``, and ``label`` or ``caption`` (or ``captions``, in JSONL also a list) or both;
optional ``id``, ``speaker``, ``split`` (train, val, test), ``transcript`` (or ``text``). Others are
named in the log and not used. Paths are relative to the manifest's own folder, with forward
slashes.

Splits: those of the column, for all rows or none; a column without ``val`` means no validation
clips, one of ``test`` alone a corpus for testing. Without it the splits are ours: speakers in the
order of a hash of their names, the first fifth for test, the next tenth for validation, at least
one each, the rest for training. Without speakers the same is done with clips, which is not
speaker-independent and must be asked for.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from re import sub
from unicodedata import normalize

from lightning.pytorch.utilities import rank_zero_info

from emolit.corpora.base import ROOT, Corpus
from emolit.errors import CorpusError
from emolit.loading import Loading
from emolit.prompts import Prompt
from emolit.table import Row, read_table
from emolit.taxonomy import CANONICAL, Taxonomy, in_order, merge
from emolit.types import Clip, Split

SPLITS: dict[str, Split] = {
    "train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test",
}  # fmt: skip
"""Names of splits that are understood, in any case."""
COLUMNS = (
    "path", "label", "id", "speaker", "split", "transcript", "text", "caption", "captions",
)  # fmt: skip


class Manifest(Corpus):
    """The clips that a CSV, TSV or JSONL file lists.

    Args:
        path: The file, relative to ``root``, or absolute.
        name: Name in log keys; None takes the file's name.
        root: Parent folder of all corpora. The audio must lie below it, or below the manifest's
            own folder where that lies elsewhere.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes the labels of the file, after
            ``label_map``.
        label_map: What the file's labels mean, for example ``{Wut: angry}``.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers in several splits, and unknown speakers.
    """

    homepage = "the user"

    def __init__(
        self,
        path: str,
        name: str | None = None,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: Loading = Loading(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.path = path
        self.name = name or sub(r"\W+", "_", Path(path).stem).strip("_").lower() or "manifest"

    @property
    def file(self) -> Path:
        """The manifest."""
        return Path(self.root) / self.path

    @property
    def location(self) -> Path:
        """What paths of clips are relative to: the root, if the manifest lies below it."""
        root = Path(self.root)
        return root if lexical(self.file).is_relative_to(lexical(root)) else self.file.parent

    @property
    def known(self) -> frozenset[str]:
        """Labels that the file may have."""
        return frozenset({*CANONICAL, *self.label_map, *(self.wanted or ())})

    @cached_property
    def listed(self) -> tuple[Clip, ...]:
        """The clips as the file has them, checked row by row.

        Raises:
            CorpusError: A row is wrong; names file, row, value and what to do.
        """
        rows = read_table(self.file, ("path",))
        check_rows(rows)
        unused = sorted({name for row in rows for name in row.fields}.difference(COLUMNS))
        if unused:
            rank_zero_info(f"{self.name}: the columns {unused} of {self.file} are not used")
        return tuple(clip_of(row, self.name, self.location, self.known) for row in rows)

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The label set in class order: the labels given, or those of the file."""
        if self.wanted is not None:
            return Taxonomy(tuple(self.wanted))
        found = {clip.label for clip in self.listed if clip.label is not None}
        return Taxonomy(in_order(merge(label, self.label_map) for label in found))

    def provide(self) -> None:
        """Read the file anew and check it."""
        self.__dict__.pop("listed", None)
        _ = self.listed

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips in the order of the file."""
        return iter(self.listed)

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of the file, or with ours."""
        if any(clip.split for clip in clips):
            return list(clips)
        anonymous = [clip.id for clip in clips if clip.speaker is None]
        if not anonymous:
            shares = divided({clip.speaker or "" for clip in clips}, f"speakers in {self.file}")
            return [replace(clip, split=shares[clip.speaker or ""]) for clip in clips]
        if self.speaker_independent:
            raise CorpusError(
                f"{self.file} has neither `split` nor a speaker for {len(anonymous)} clips, the "
                f"first {anonymous[0]!r}: no speaker-independent split can be made. Add a column, "
                "or set `speaker_independent: false` and report it."
            )
        shares = divided({clip.id for clip in clips}, f"clips in {self.file}")
        return [replace(clip, split=shares[clip.id]) for clip in clips]


def lexical(path: Path) -> Path:
    """Return an absolute path without ``..``; links stay what they are."""
    return Path(os.path.normpath(path.absolute()))


def divided(units: Iterable[str], what: str) -> dict[str, Split]:
    """Give each unit a split that depends on the names alone.

    Raises:
        CorpusError: There are fewer than three.
    """
    order = sorted(units, key=lambda unit: hashlib.sha256(unit.encode()).digest())
    if len(order) < len(set(SPLITS.values())):
        raise CorpusError(
            f"There are {len(order)} {what}, too few for training, validation and test. "
            "Add a `split` column."
        )
    tests = max(1, round(0.2 * len(order)))
    vals = max(1, round(0.1 * len(order)))
    shares: dict[str, Split] = dict.fromkeys(order, "train")
    shares |= dict.fromkeys(order[:tests], "test")
    return shares | dict.fromkeys(order[tests : tests + vals], "val")


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


def label_of(row: Row, known: frozenset[str]) -> str | None:
    """Return the file's own label of a row; None where it has a caption instead.

    Raises:
        CorpusError: It has neither, or the label is unknown.
    """
    label = row.text("label")
    if label is None:
        if captions_of(row):
            return None
        raise row.error("there is neither 'label' nor 'caption'", "Fill one in, or remove the row.")
    if label not in known and label.casefold() in known:
        label = label.casefold()
    if label not in known:
        raise row.error(
            f"the label {label!r} is unknown",
            f"Map it with `label_map`, for example {{{label}: neutral}}, or use one of "
            f"{', '.join(CANONICAL)}.",
        )
    return label


def clip_of(row: Row, corpus: str, location: Path, known: frozenset[str]) -> Clip:
    """Return the clip that a row describes; its label is still the file's own.

    Raises:
        CorpusError: Names file, row, value and what to do.
    """
    split = row.text("split")
    if split is not None and split.casefold() not in SPLITS:
        raise row.error(f"the split {split!r} is unknown", f"Use one of {', '.join(SPLITS)}.")
    return Clip(
        id=id_of(row),
        corpus=corpus,
        path=audio_path(row, location),
        label=label_of(row, known),
        speaker=row.text("speaker"),
        split=None if split is None else SPLITS[split.casefold()],
        transcript=row.text("transcript") or row.text("text"),
        captions=captions_of(row),
    )


def audio_path(row: Row, location: Path) -> str:
    """Return the path of a row's audio relative to the location.

    Names that differ from the file's only in how accents are composed find it all the same.

    Raises:
        CorpusError: It lies outside.
    """
    text = row.required("path")
    top, path = lexical(location), lexical(row.file.parent / text)
    if not path.is_relative_to(top):
        raise row.error(
            f"the path {text!r} lies outside {location}",
            "Move the audio below it, or set `root` to a folder above both.",
        )
    relative = path.relative_to(top).as_posix()
    forms = (relative, normalize("NFC", relative), normalize("NFD", relative))
    return next((form for form in forms if (top / form).exists()), relative)


def captions_of(row: Row) -> tuple[str, ...]:
    """Return the captions of a row: a text, or in JSONL also a list of texts."""
    values = row.fields.get("captions")
    if isinstance(values, list):
        parts = [Row(row.file, row.number, {"captions": value}) for value in values]
        return tuple(part.required("captions") for part in parts)
    text = row.text("captions") or row.text("caption")
    return () if text is None else (text,)

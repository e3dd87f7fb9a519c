"""A user's own clips, listed in a CSV, TSV or JSONL file.

Layout: a row a clip, with ``path`` and at least one truth, ``label``, ``caption``, ``openset`` or
``valence``; `emolit.data.manifest_rows` names all columns. Others are named in the log and not
used. Paths are relative to the file's own folder, with forward slashes.

Splits: those of the column, for all rows or none; a column without ``val`` means no validation
clips, one of ``test`` alone a corpus for testing. Without it the splits are ours: speakers in the
order of a hash of their names, the first fifth for test, the next tenth for validation, at least
one each, the rest for training. Spellings of one name (`emolit.data.census.person`) are one
speaker. Without speakers the same is done with clips, which is not speaker-independent and must be
asked for.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from re import sub
from typing import get_args

from lightning.pytorch.utilities import rank_zero_info

from emolit.affect.taxonomy import CANONICAL, Taxonomy, in_order, merge
from emolit.corpora.base import ROOT, Corpus
from emolit.data.census import person
from emolit.data.dataset import LoaderSettings
from emolit.data.manifest_checks import check_recordings, check_rows
from emolit.data.manifest_rows import COLUMNS, check_labels, clip_of, id_of, lexical
from emolit.errors import ConfigError, CorpusError
from emolit.files.table import Row, read_table
from emolit.prompts import Prompt
from emolit.types import Clip, Split


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
        label_map: What the file's labels mean, in any case, for example ``{Wut: angry}``; some row
            must have each.
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
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.path = path
        self.name = name or sub(r"\W+", "_", Path(path).stem).strip("_").lower() or "manifest"

    @property
    def file(self) -> Path:
        """The manifest."""
        return Path(self.root) / Path(self.path).expanduser()

    @property
    def location(self) -> Path:
        """What paths of clips are relative to: the root, if the manifest lies below it."""
        root = Path(self.root)
        return root if lexical(self.file).is_relative_to(lexical(root)) else self.file.parent

    @property
    def known(self) -> frozenset[str]:
        """Labels that the file may have; one that is mapped is not known otherwise in any case."""
        mapped = {label.casefold() for label in self.label_map}
        names = {*CANONICAL, *(self.requested_labels or ())}
        return frozenset({*self.label_map, *(n for n in names if n.casefold() not in mapped)})

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The rows of the file by the id of their clip, checked together.

        Raises:
            CorpusError: They do not fit; names file, row, value and what to do.
        """
        rows = read_table(self.file, ("path",))
        check_rows(rows)
        check_labels(rows, self.known)
        unused = sorted({name for row in rows for name in row.fields}.difference(COLUMNS))
        if unused:
            rank_zero_info(f"{self.name}: the columns {unused} of {self.file} are not used")
        return {id_of(row): row for row in rows}

    @cached_property
    def parse_rows(self) -> tuple[Clip, ...]:
        """The clips as the file has them, checked row by row.

        Raises:
            CorpusError: A row is wrong; names file, row, value and what to do.
            ConfigError: ``label_map`` renames what no row has.
        """
        rows = self.rows.values()
        clips = tuple(clip_of(row, self.name, self.location, self.known) for row in rows)
        check_recordings(clips, self.rows, self.location)
        found = {clip.label for clip in clips if clip.label is not None}
        folded = {label.casefold() for label in found}
        idle = [label for label in self.label_map if label.casefold() not in folded]
        if idle:
            raise ConfigError(
                f"`label_map` of {self.name!r} renames {idle}, which no row of {self.file} has; "
                f"they have {[*in_order(found)]}. Correct it, or leave it out."
            )
        return clips

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The label set in class order: the labels given, or those of the file."""
        if self.requested_labels is not None:
            return Taxonomy(tuple(self.requested_labels))
        found = {clip.label for clip in self.parse_rows if clip.label is not None}
        return Taxonomy(in_order(merge(label, self.label_map) for label in found))

    def ensure_release(self) -> None:
        """Read the file anew and check it."""
        for known in ("rows", "listed"):
            self.__dict__.pop(known, None)
        _ = self.parse_rows

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips in the order of the file."""
        return iter(self.parse_rows)

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of the file, or with ours."""
        if any(clip.split for clip in clips):
            return list(clips)
        anonymous = [clip.id for clip in clips if clip.speaker is None]
        if not anonymous:
            people = one_name({clip.speaker or "" for clip in clips})
            shares = divide(set(people.values()), f"speakers in {self.file}")
            placed = [replace(clip, split=shares[people[clip.speaker or ""]]) for clip in clips]
            check_recordings(placed, self.rows, self.location)
            return placed
        if self.speaker_independent:
            raise CorpusError(
                f"{self.file} has neither `split` nor a speaker for {len(anonymous)} clips, the "
                f"first {anonymous[0]!r}: no speaker-independent split can be made. Add a column, "
                "or set `speaker_independent: false` and report it."
            )
        shares = divide({clip.id for clip in clips}, f"clips in {self.file}")
        return [replace(clip, split=shares[clip.id]) for clip in clips]


def one_name(speakers: Iterable[str]) -> dict[str, str]:
    """Return one spelling of each speaker, the first in alphabetical order, by every spelling.

    Example:
        >>> one_name(("s01", "S1", "s2")) == {"S1": "S1", "s01": "S1", "s2": "s2"}
        True
    """
    names: dict[str, str] = {}
    return {name: names.setdefault(person(name), name) for name in sorted(speakers)}


def divide(units: Iterable[str], what: str) -> dict[str, Split]:
    """Give each unit a split that depends on the names alone.

    Raises:
        CorpusError: There are fewer than three.
    """
    order = sorted(units, key=lambda unit: hashlib.sha256(unit.encode()).digest())
    if len(order) < len(get_args(Split)):
        raise CorpusError(
            f"There are {len(order)} {what}, too few for training, validation and test. "
            "Add a `split` column."
        )
    tests = max(1, round(0.2 * len(order)))
    vals = max(1, round(0.1 * len(order)))
    shares: dict[str, Split] = dict.fromkeys(order, "train")
    shares |= dict.fromkeys(order[:tests], "test")
    return shares | dict.fromkeys(order[tests : tests + vals], "val")

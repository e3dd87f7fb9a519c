"""What corpora have in common that a list describes: a table, a folder of Kaldi, a data set.

Each row of the list is a clip, in the columns of `emolit.data.manifest_rows`, whatever the list was
written as. Columns that are not used are named in the log.

Splits: those of the column, for all rows or none; a column without ``val`` means no validation
clips, one of ``test`` alone a corpus for testing. Without it the splits are ours: speakers in the
order of a hash of their names, the first fifth for test, the next tenth for validation, at least
one each, the rest for training. Spellings of one name (`emolit.data.census.person`) are one
speaker. Without speakers the same is done with clips, which is not speaker-independent and must be
asked for.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from re import sub
from typing import ClassVar, get_args

from lightning.pytorch.utilities import rank_zero_info

from emolit.affect.taxonomy import CANONICAL, Taxonomy, in_order, merge
from emolit.corpora.base import Corpus
from emolit.data.attribute_columns import (
    MARK,
    AttributeColumn,
    ratings_of,
    set_attributes_apart,
)
from emolit.data.census import person
from emolit.data.manifest_checks import check_recordings, check_rows
from emolit.data.manifest_rows import COLUMNS, check_labels, clip_of, id_of, label_of, lexical
from emolit.errors import ConfigError, CorpusError
from emolit.files.table import Row
from emolit.types import Clip, Split


class Listed(Corpus):
    """A corpus whose clips are the rows of a list.

    A subclass says where the list stands (`source`) and reads it (`read_rows`).
    """

    homepage: ClassVar = "the user"
    columns: Mapping[str, str | None] = {}
    """Which column of the list is which of ours, as far as the user says so."""
    attributes: Mapping[str, AttributeColumn] = {}
    """Where the list has ratings, and on which scales, as far as the user says so."""

    @property
    @abstractmethod
    def source(self) -> Path:
        """What lists the clips, for messages."""

    @abstractmethod
    def read_rows(self) -> list[Row]:
        """Return the rows of the list, one or more, in its order, with our names of columns.

        Raises:
            CorpusError: It cannot be read.
        """

    @property
    def homes(self) -> tuple[Path, ...]:
        """Also the folder in which the list stands, the uppermost below the root."""
        root, list_ = lexical(Path(self.root)), lexical(self.source)
        inside = list_.is_relative_to(root) and list_ != root
        own = root / list_.relative_to(root).parts[0] if inside else list_
        return (*super().homes, own if own.is_dir() else own.parent)

    @property
    def known(self) -> frozenset[str]:
        """Labels that the list may have; one that is mapped is not known otherwise in any case."""
        mapped = {label.casefold() for label in self.label_map}
        names = {*CANONICAL, *(self.requested_labels or ())}
        return frozenset({*self.label_map, *(n for n in names if n.casefold() not in mapped)})

    @cached_property
    def rows(self) -> dict[str, Row]:
        """The rows by the id of their clip, checked together.

        Raises:
            CorpusError: They do not fit; names file, row, value and what to do.
        """
        rows = set_attributes_apart(self.read_rows(), self.attributes, self.name)
        check_rows(rows, self.columns)
        check_labels(rows, self.known)
        used = {*COLUMNS, *(MARK + name for name in self.attributes)}
        unused = sorted({name for row in rows for name in row.fields}.difference(used))
        if unused:
            rank_zero_info(f"{self.name}: the columns {unused} of {self.source} are not used")
        return {id_of(row): row for row in rows}

    @cached_property
    def parse_rows(self) -> tuple[Clip, ...]:
        """The clips as the list has them, checked row by row.

        Raises:
            CorpusError: A row is wrong; names file, row, value and what to do.
            ConfigError: ``label_map`` renames what no row has.
        """
        rows, location, known = self.rows, self.location, self.known
        clips = tuple(
            clip_of(row, self.name, location, known, ratings_of(row, self.attributes))
            for row in rows.values()
        )
        check_recordings(clips, rows, location)
        found = {clip.label for clip in clips if clip.label is not None}
        folded = {label.casefold() for label in found}
        idle = [label for label in self.label_map if label.casefold() not in folded]
        if idle:
            raise ConfigError(
                f"`label_map` of {self.name!r} renames {idle}, which no row of {self.source} has; "
                f"they have {[*in_order(found)]}. Correct it, or leave it out."
            )
        return clips

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The label set in class order: the labels given, or those of the list."""
        if self.requested_labels is not None:
            return Taxonomy(tuple(self.requested_labels))
        found = {label_of(row, self.known) for row in self.rows.values()} - {None}
        return Taxonomy(in_order(merge(label, self.label_map) for label in found if label))

    def ensure_release(self) -> None:
        """Read the list anew and check it."""
        for known in ("rows", "parse_rows"):
            self.__dict__.pop(known, None)
        _ = self.parse_rows

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips in the order of the list."""
        return iter(self.parse_rows)

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of the list, or with ours."""
        if any(clip.split for clip in clips):
            return list(clips)
        anonymous = [clip.id for clip in clips if clip.speaker is None]
        if not anonymous:
            people = one_name({clip.speaker or "" for clip in clips})
            shares = divide(set(people.values()), f"speakers in {self.source}")
            placed = [replace(clip, split=shares[people[clip.speaker or ""]]) for clip in clips]
            check_recordings(placed, self.rows, self.location)
            return placed
        if self.speaker_independent:
            raise CorpusError(
                f"{self.source} has neither `split` nor a speaker for {len(anonymous)} clips, the "
                f"first {anonymous[0]!r}: no speaker-independent split can be made. Add a column, "
                "or set `speaker_independent: false` and report it."
            )
        shares = divide({clip.id for clip in clips}, f"clips in {self.source}")
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


def log_name(path: str, otherwise: str) -> str:
    """Return the name of a list in log keys, from where it stands.

    Example:
        >>> log_name("a/Mine 2.csv", "manifest"), log_name("-.csv", "manifest")
        ('mine_2', 'manifest')
    """
    return sub(r"\W+", "_", Path(path).stem).strip("_").lower() or otherwise

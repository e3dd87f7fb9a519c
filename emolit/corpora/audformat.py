"""A database of audformat, as audb loads it into a folder.

Layout: ``db.yaml``, a file ``db.TABLE.csv`` or ``db.TABLE.parquet`` for each table, and the media
that they name, relative to the folder. emolit downloads nothing: `audb.load_to` puts a database
there.

A row of the table of emotions is a clip: a file, or a part of one where the table is segmented.
What that table does not have, such as the speaker, is taken from a table of files that has it.

Splits: those of audformat where there is a table for each, such as
``emotion.categories.train.gold_standard``; ``table`` names them together by a ``*``. A table says
its split, else the part of its name does that is one. Or a column does that ``columns`` names as
``split``. Else they are ours (`emolit.corpora.listed`).
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from emolit.corpora.base import ROOT
from emolit.corpora.listed import Listed, log_name
from emolit.data.audformat_database import HEADER, AudformatDatabase
from emolit.data.column_names import check_columns
from emolit.data.dataset import LoaderSettings
from emolit.data.manifest_rows import COLUMNS
from emolit.data.split_names import match_splits
from emolit.errors import ConfigError
from emolit.files.table import Row
from emolit.prompts import Prompt

NAMES = {"label": "emotion", "speaker": "speaker", "transcript": "transcription"}
"""Names that audEERING's databases give to columns."""
INDEX = ("path", "start", "end")
"""Columns of ours that an index holds."""


class Audformat(Listed):
    """The clips of a database of audformat.

    Args:
        path: Its folder, relative to ``root`` or absolute.
        table: The table of labels, or several by a pattern, such as
            ``emotion.categories.*.gold_standard``; None takes the only one that has the column.
        columns: Columns of the database under emolit's names, emolit's first; None is
            ``{label: emotion, speaker: speaker, transcript: transcription}``, as far as they are
            there. ``files.speaker`` is the column ``speaker`` of the table ``files``; null says
            that none is meant.
        split_map: Splits with names of their own, for example ``{other: null}``; null leaves one
            out.
        name: Name in log keys; None takes the folder's name.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes the labels of the table, after
            ``label_map``.
        label_map: What the table's labels mean, in any case, for example ``{anger: angry}``; some
            row must have each.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers in several splits, and unknown speakers.
    """

    def __init__(
        self,
        path: str,
        table: str | None = None,
        columns: dict[str, str | None] | None = None,
        split_map: dict[str, str | None] | None = None,
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
        self.table = table
        self.name = name or log_name(path, "audformat")
        self.columns = dict(columns or {})
        check_columns(self.columns, self.name)
        if taken := [ours for ours in INDEX if ours in self.columns]:
            raise ConfigError(
                f"`columns` of {self.name!r} names {taken}, which the index of a table holds; "
                "leave them out."
            )
        self.split_map = dict(split_map or {})

    @property
    def source(self) -> Path:
        """The header of the database."""
        return self.location / HEADER

    @property
    def location(self) -> Path:
        """The folder of the database."""
        return Path(self.root) / Path(self.path).expanduser()

    def read_rows(self) -> list[Row]:
        """Return a row for each row of the table or tables of labels.

        Raises:
            CorpusError: There is no database, or it cannot be read.
            ConfigError: A table, a column or a split is not there, or audformat is not installed.
        """
        database = AudformatDatabase(self.location)
        tables = self._label_tables(database)
        splits = self._split_by_table(database, tables)
        return [
            row
            for table in tables
            if table not in splits or splits[table] is not None
            for row in self._rows(database, table, splits)
        ]

    def _label_tables(self, database: AudformatDatabase) -> list[str]:
        """Return the tables of labels."""
        label = self.columns.get("label") or NAMES["label"]
        if self.table is None:
            found = [name for name in database.tables if label in database.columns(name)]
            if len(found) == 1:
                return found
            said = f"{len(found)} tables with the column {label!r}, {found}"
        else:
            found = [name for name in database.tables if fnmatchcase(name, self.table)]
            if found:
                return found
            said = f"no table {self.table!r}"
        raise ConfigError(
            f"{self.source} has {said}. Name one as `table`, or several of one kind by a pattern "
            f"with *; there are {[*database.tables]}."
        )

    def _split_by_table(self, database: AudformatDatabase, tables: list[str]) -> dict[str, Any]:
        """Return our split of each table; nothing where no table has one, or a column says it."""
        named = {table: database.split_of(table) for table in tables}
        if "split" in self.columns or not any(named.values()):
            return {}
        if silent := [table for table, name in named.items() if name is None]:
            raise ConfigError(
                f"The tables {silent} of {self.name!r} say no split, others do. Name those alone "
                "that do as `table`, or set `columns: {split: null}`."
            )
        names = dict.fromkeys(str(name) for name in named.values())
        ours = match_splits(names, self.split_map, self.name)
        return {table: ours[str(name)] for table, name in named.items()}

    def _rows(
        self, database: AudformatDatabase, table: str, splits: dict[str, Any]
    ) -> Iterator[Row]:
        """Yield the rows of a table."""
        told = {
            ours: database.values(table, theirs) for ours, theirs in self._wanted(database, table)
        }
        common = {"split": splits[table]} if table in splits else {}
        for number, (file, start, end) in enumerate(database.index(table), start=2):
            part = start is not None
            fields: dict[str, Any] = {"path": file, "start": start, "end": end}
            if part:
                fields["id"] = f"{file} {start:g}-{'' if end is None else f'{end:g}'}"
            for ours, values in told.items():
                fields[ours] = values.get((file, start, end), values.get((file, None, None)))
            yield Row(database.file(table), number, fields | common)

    def _wanted(
        self, database: AudformatDatabase, table: str
    ) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield each column of ours with the table and the column that hold it."""
        here = database.columns(table)
        usual = {name: name for name in COLUMNS if name in here and name not in INDEX}
        for ours, theirs in {**NAMES, **usual, **self.columns}.items():
            if theirs is None:
                continue
            places = [(table, theirs)] if theirs in here else database.find(theirs)
            if len(places) == 1:
                yield ours, places[0]
            elif ours in self.columns:
                raise ConfigError(
                    f"`columns` of {self.name!r} takes {theirs!r}, which {len(places)} tables of "
                    f"files have{f': {[name for name, _ in places]}' if places else ''}; the table "
                    f"{table!r} has {here}. Write TABLE.COLUMN, or leave it out."
                )

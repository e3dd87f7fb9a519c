"""A folder of audformat: its tables, their rows and splits.

audformat reads the tables. It is an extra and is imported when the first database is opened. It
would also unpickle tables that it finds pickled, and make any object that a header asks for, so
that a database could run code: pickles are left alone here, and the header is read as plain YAML.
"""

import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from emolit.data.split_names import SPLITS
from emolit.errors import ConfigError, CorpusError
from emolit.files.disk import text_of

HEADER = "db.yaml"


class AudformatDatabase:
    """What emolit reads of a database.

    Args:
        folder: It holds the header.

    Raises:
        CorpusError: There is none, or it cannot be read.
        ConfigError: audformat is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        header = folder / HEADER
        if not header.is_file():
            raise CorpusError(
                f"There is no database of audformat: looked for {header}. Put it there, for "
                "example by audb.load_to, or correct `root` or the path below it."
            )
        try:
            library = import_module("audformat")
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{header} is read by audformat, which is not installed. Run "
                "`pip install 'emolit[audformat]'`."
            ) from error
        self._errors = (library.errors.BadKeyError, KeyError, OSError, RuntimeError, ValueError)
        try:
            self._database = library.Database.load_header_from_yaml(yaml.safe_load(text_of(header)))
        except (yaml.YAMLError, AttributeError, TypeError, *self._errors) as error:
            raise CorpusError(
                f"{header} is no header of audformat ({error}). Get it again."
            ) from error
        self.tables: dict[str, Any] = dict(self._database.tables)
        self._loaded: dict[str, Any] = {}

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table."""
        return [*self.tables[table].columns]

    def find(self, column: str) -> list[tuple[str, str]]:
        """Return the tables of files that have a column, which may be ``TABLE.COLUMN``."""
        files = [name for name, table in self.tables.items() if table.is_filewise]
        exact = [(name, column.removeprefix(f"{name}.")) for name in self.tables
                 if column.startswith(f"{name}.")]  # fmt: skip
        exact = [(name, rest) for name, rest in exact if rest in self.columns(name)]
        return exact or [(name, column) for name in files if column in self.columns(name)]

    def split_of(self, table: str) -> str | None:
        """Return the split that a table is of, by audformat or by its name."""
        split = self.tables[table].split_id
        if split is not None:
            return str(self._database.splits[split].type)
        parts = [part for part in table.split(".") if part.casefold() in SPLITS]
        return parts[0] if len(parts) == 1 else None

    def file(self, table: str) -> Path:
        """Return the file of a table, for messages."""
        files = [self.folder / f"db.{table}.{kind}" for kind in ("csv", "parquet")]
        return next((file for file in files if file.is_file()), files[0])

    def index(self, table: str) -> list[tuple[str, float | None, float | None]]:
        """Return file, start and end in seconds of each row; None for whole files and open ends.

        Raises:
            CorpusError: The table cannot be read.
        """
        index = self._table(table).index
        if not self.tables[table].is_segmented:
            return [(str(file), None, None) for file in index]
        return [(str(file), _seconds(start) or 0.0, _seconds(end)) for file, start, end in index]

    def values(self, table: str, place: tuple[str, str]) -> dict[tuple[Any, Any, Any], Any]:
        """Return what a column says, by its place in `index`; nothing where it is empty."""
        name, column = place
        values = self._table(name)[column]
        pairs = zip(self.index(name), values.astype(object), values.isna(), strict=True)
        return {key: getattr(value, "item", lambda v=value: v)() for key, value, empty in pairs
                if not empty}  # fmt: skip

    def _table(self, name: str) -> Any:
        """Return the rows of a table, read out of links to what is no pickle."""
        if name in self._loaded:
            return self._loaded[name]
        try:
            with tempfile.TemporaryDirectory() as folder:
                for file in self.folder.glob("db.*"):
                    if file.suffix in (".csv", ".parquet"):
                        (Path(folder) / file.name).symlink_to(file.absolute())
                for misc, table in self._database.misc_tables.items():
                    table.load(f"{folder}/db.{misc}")
                self.tables[name].load(f"{folder}/db.{name}")
        except self._errors as error:
            raise CorpusError(
                f"The table {self.file(name)} cannot be read ({error}). Get it again as CSV or "
                "parquet."
            ) from error
        return self._loaded.setdefault(name, self.tables[name].df)


def _seconds(time: Any) -> float | None:
    """Return a time in seconds; None where it is open."""
    seconds = float(time.total_seconds())
    return None if seconds != seconds else seconds

"""A table, CSV, TSV or JSONL: its rows, before anyone asks what they mean.

Text is UTF-8, with or without a byte order mark; lines may end in either way; blank rows do not
count and fields are stripped. A row is known by the number of its line, from 1 on. Quotation marks
surround fields as in CSV, in TSV too; a field that seems to have swallowed rows is refused.

Text that is a mark of what is missing (`MISSING`) is an empty field, and so is the NaN of JSON.

Python's csv parses; pandas and polars would be a new dependency and tell no line of a row, which
each error here names, and a guessed encoding (charset-normalizer) would let wrong letters through.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path, PurePath
from typing import Any

from emolit.errors import CorpusError
from emolit.files.headings import SEPARATORS, next_step

KINDS = {".csv": ",", ".tsv": "\t", ".jsonl": None}
"""Extensions that are read, with what separates the fields."""
MISSING = frozenset({"nan", "NaN", "None", "<NA>", "N/A", "NaT", "NULL", "null"})
"""What pandas and others write, in this case, where a value is missing."""
HALVES = ("\\ud8", "\\ud9", "\\uda", "\\udb", "\\udc", "\\udd", "\\ude", "\\udf")
"""How JSON writes half a character."""


@dataclass(frozen=True)
class Row:
    """One row and where it stands.

    Attributes:
        file: The table.
        number: Of its line, from 1 on.
        fields: Column name to value; text only, unless the table is JSONL.
    """

    file: Path
    number: int
    fields: Mapping[str, Any]

    def error(self, what: str, then: str) -> CorpusError:
        """Return an error that names file and row, what is wrong and what to do."""
        return CorpusError(f"{self.file}, row {self.number}: {what}. {then}")

    def text(self, name: str) -> str | None:
        """Return a field as stripped text; None where it is absent, blank or marked as missing.

        Raises:
            CorpusError: The value is neither text nor a number.
        """
        text = self._written(name)
        return None if text in MISSING else text

    def _written(self, name: str) -> str | None:
        value = self.fields.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.error(f"{name!r} is {value!r}, which is no text", "Write it as text.")
        return str(value).strip() or None

    def decimal(self, name: str) -> float | None:
        """Return a field as a number; None where it is absent or blank.

        Raises:
            CorpusError: The value is no finite number.
        """
        text = self._written(name)
        try:
            value = 0.0 if text is None else float(text)
        except ValueError:
            value = nan
        if not isfinite(value):
            raise self.error(f"{name!r} is {text!r}, no number", "Write one, or leave it empty.")
        return None if text is None else value

    def required(self, name: str) -> str:
        """Return a field as stripped text.

        Raises:
            CorpusError: The field is absent or blank, or no text.
        """
        text = self.text(name)
        if text is None:
            raise self.error(f"{name!r} is empty", "Fill it in, or remove the row.")
        return text


def read_table(file: Path, required: tuple[str, ...]) -> list[Row]:
    """Return all rows of a table.

    Args:
        file: Its extension says what it is.
        required: Columns it must have.

    Raises:
        CorpusError: The file is missing, of another kind, not UTF-8, malformed, or without rows
            or a required column.
    """
    if not file.is_file():
        raise CorpusError(
            f"The table {file} is missing. Put it there, or correct `root` or the path below it."
        )
    if file.suffix.lower() not in KINDS:
        raise CorpusError(f"The table {file} is none of {', '.join(KINDS)}. Convert it.")
    delimiter = KINDS[file.suffix.lower()]
    text = _decode(file)
    if delimiter is None:
        found = list(_objects(file, text, required))
    else:
        found = list(_records(file, text, delimiter, required))
    if not found:
        raise CorpusError(f"The table {file} has no rows. Write one a clip, or get the file again.")
    return found


def by_name(file: Path, required: tuple[str, ...], key: str = "name") -> dict[str, Row]:
    """Return the rows of a table by what a column of it holds.

    Args:
        file: Its extension says what it is.
        required: Columns it must have besides.
        key: The column.

    Raises:
        CorpusError: The table is not what it should be, or a name is empty or stands twice.
    """
    found: dict[str, Row] = {}
    for row in read_table(file, (key, *required)):
        name = row.required(key)
        if name in found:
            raise row.error(
                f"{key!r} is {name!r}, as in row {found[name].number} already", "Remove the copy."
            )
        found[name] = row
    return found


def _decode(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"The table {file} is not UTF-8 at byte {error.start} ({error.reason}). "
            "Save it as UTF-8."
        ) from error


def _require(row: Row, columns: tuple[str, ...], delimiter: str | None) -> None:
    missing = [name for name in columns if name not in row.fields]
    if missing:
        raise row.error(
            f"the column {missing[0]!r} is missing; there are {[*row.fields]}",
            next_step(missing[0], [*row.fields], delimiter),
        )


def _records(file: Path, text: str, delimiter: str, columns: tuple[str, ...]) -> Iterator[Row]:
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    header: list[str] = []
    begun = 1
    try:
        for record in reader:
            begin, begun = begun, reader.line_num + 1
            values = [value.strip() for value in record]
            if not any(values):
                continue
            row = Row(file, reader.line_num, dict(zip(header or values, values, strict=False)))
            if not header:
                _check_header(row, values, columns, delimiter)
                header = values
                continue
            _check_swallowed(Row(file, begin, {}), values, header, columns, delimiter)
            if len(values) != len(header):
                raise row.error(
                    f"{len(values)} fields under {len(header)} columns: {values}",
                    "Quote fields that hold the separator.",
                )
            yield row
    except csv.Error as error:
        raise Row(file, begun, {}).error(
            f"the row is malformed ({error})",
            'Close its quotation marks; write " inside a field as "", and that field in marks.',
        ) from error


def _check_swallowed(
    row: Row, values: list[str], header: list[str], columns: tuple[str, ...], delimiter: str
) -> None:
    """Refuse a field that holds other rows, as a quotation mark in it was never closed.

    In TSV that is one with a line end and a tab; in CSV one with a line that has, where a table
    names its recordings, another one of that kind.
    """
    place = header.index(columns[0]) if columns else 0
    kind = PurePath(values[place]).suffix.lower() if place < len(values) else ""
    for number, value in enumerate(values):
        lines = value.splitlines()[1:] if "\n" in value or "\r" in value else []
        if delimiter == "\t":
            rows = bool(lines) and "\t" in value
        else:
            cells = (line.split(delimiter)[place:] for line in lines)
            rows = any(
                len(cell) > 1
                and kind[1:].isalnum()
                and PurePath(cell[0].strip()).suffix.lower() == kind
                for cell in cells
            )
        if rows:
            name = header[number] if number < len(header) else number + 1
            raise row.error(
                f"the field {name!r} holds {len(lines)} more lines with fields of their own: "
                f"{value[:60]!r}",
                'Close its quotation mark, or write " inside a field as "", and that field in '
                "marks.",
            )


def _check_header(row: Row, names: list[str], columns: tuple[str, ...], delimiter: str) -> None:
    _require(row, columns, delimiter)
    if len(names) == 1 and {*SEPARATORS}.difference(delimiter).intersection(names[0]):
        raise row.error(f"there is one column, {names[0]!r}", next_step("", names, delimiter))
    if names.count("") > 1:
        places = [place for place, name in enumerate(names, start=1) if not name]
        raise row.error(
            f"the columns {places} have no names", "Name them, or remove them from all rows."
        )
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise row.error(f"the columns {twice} stand there more than once", "Rename them.")


def _objects(file: Path, text: str, columns: tuple[str, ...]) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        row = Row(file, number, {})
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
            raise row.error(f"the row is no JSON that can be read ({error})", "Mend it.") from error
        if not isinstance(fields, dict):
            raise row.error("the row is no JSON object", "Write one a line.")
        if any(half in line.lower() for half in HALVES):
            _check_characters(row, fields)
        row = Row(file, number, fields)
        _require(row, columns, None)
        yield row


def _check_characters(row: Row, fields: Mapping[str, Any]) -> None:
    try:
        json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = str(error.object)[error.start]
        raise row.error(f"the row holds half a character, {half!r}", "Write it whole.") from error

"""Columns under the names that a user's table gives to them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from emolit.data.manifest_rows import COLUMNS
from emolit.errors import ConfigError
from emolit.files.table import Row


def check_columns(columns: Mapping[str, str | None], corpus: str) -> None:
    """Refuse what is no column of ours.

    Args:
        columns: A user's, ours to the table's.
        corpus: Its name, for a message.

    Raises:
        ConfigError: Names it, and those that there are.
    """
    if strange := [name for name in columns if name not in COLUMNS]:
        turned = {theirs: ours for ours, theirs in columns.items()}
        hint = "" if turned.keys().isdisjoint(COLUMNS) else " Write emolit's name first."
        raise ConfigError(
            f"`columns` of {corpus!r} names {strange}, which emolit does not read; it reads "
            f"{', '.join(COLUMNS)}.{hint}"
        )


def rename_columns(
    rows: Sequence[Row], columns: Mapping[str, str | None], corpus: str
) -> list[Row]:
    """Return rows whose columns have our names.

    A column of the table that has one of our names already, and stands for another one, gives way.

    Args:
        rows: Of the table.
        columns: Our name to the table's; None where no column of the table is meant.
        corpus: Its name, for a message.

    Raises:
        ConfigError: A column is in no row.
    """
    if not columns:
        return list(rows)
    there = dict.fromkeys(name for row in rows for name in row.fields)
    if absent := [name for name in columns.values() if name is not None and name not in there]:
        raise ConfigError(
            f"`columns` of {corpus!r} takes {absent}, which {rows[0].file} does not have; it has "
            f"{[*there]}. Correct it, or leave it out."
        )
    given = {*columns, *columns.values()}
    return [
        replace(
            row,
            fields={
                **{name: value for name, value in row.fields.items() if name not in given},
                **{ours: row.fields[theirs] for ours, theirs in columns.items()
                   if theirs is not None and theirs in row.fields},
            },
        )
        for row in rows
    ]  # fmt: skip

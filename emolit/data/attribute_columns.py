"""Ratings in the columns of a user's table, on scales that the user gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from emolit.errors import ConfigError
from emolit.files.table import Row
from emolit.types import Rating

MARK = "rating of "
"""Before the name of an attribute, in rows whose columns were set apart."""


@dataclass(frozen=True)
class AttributeColumn:
    """Where a table has an attribute, and on which scale.

    Attributes:
        low: Lower end of the scale.
        high: Upper end of the scale.
        column: Of the table; None takes the attribute's own name.
    """

    low: float
    high: float
    column: str | None = None

    def __post_init__(self) -> None:
        """Refuse a scale without length."""
        if not self.low < self.high:
            raise ConfigError(
                f"A scale of `attributes` goes from {self.low:g} to {self.high:g}; give its lower "
                "end as `low` and its upper end as `high`."
            )


def set_attributes_apart(
    rows: Sequence[Row], attributes: Mapping[str, AttributeColumn], corpus: str
) -> list[Row]:
    """Return rows in which columns of ratings are that and nothing else.

    A column ``valence`` that is rated from 1 to 5 is no polarity, which the same name may be.

    Args:
        rows: Of the table.
        attributes: By name.
        corpus: Its name, for a message.

    Raises:
        ConfigError: A column is in no row.
    """
    if not attributes:
        return list(rows)
    columns = {name: its.column or name for name, its in attributes.items()}
    there = dict.fromkeys(name for row in rows for name in row.fields)
    if absent := [column for column in columns.values() if column not in there]:
        raise ConfigError(
            f"`attributes` of {corpus!r} takes the columns {absent}, which {rows[0].file} does not "
            f"have; it has {[*there]}. Name them as `column`, or leave the attribute out."
        )
    taken = set(columns.values())
    return [
        replace(
            row,
            fields={
                **{name: value for name, value in row.fields.items() if name not in taken},
                **{MARK + name: row.fields.get(column) for name, column in columns.items()},
            },
        )
        for row in rows
    ]


def ratings_of(row: Row, attributes: Mapping[str, AttributeColumn]) -> dict[str, Rating]:
    """Return the ratings of a row whose columns were set apart; an empty field has none.

    Raises:
        CorpusError: A value lies outside its scale, or is no number.
    """
    found = {}
    for name, its in attributes.items():
        value = row.decimal(MARK + name)
        if value is None:
            continue
        if not its.low <= value <= its.high:
            raise row.error(
                f"{name!r} is {value:g}, outside of its scale from {its.low:g} to {its.high:g}",
                "Correct it, or the scale in `attributes`.",
            )
        found[name] = Rating(value, its.low, its.high)
    return found

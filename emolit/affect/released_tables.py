"""The emotion wheels of AffectGPT, OV-MER, MER2025 and MER2026, as released.

AffectGPT (https://arxiv.org/abs/2501.16566) and the MER challenges (zeroQiaoba/MERTools) score
open-vocabulary emotion by five wheels. The release is a folder with ``format.csv`` (base words and
their forms), ``synonym.xlsx`` (words of the wheels and eight runs of synonyms each) and
``wheel1.xlsx`` ... ``wheel5.xlsx`` (three rings; a blank cell repeats the one above).

MER2026 has another ``format.csv``; the other tables are unchanged, and its ``wheel_mapping.npz``,
a pickle, is never read. Scores of the two versions are not comparable: in that of 2025 "fear" is a
form of "fearless" and lands on happy or joyful on four wheels. ``docs/wheels.md`` lists more.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from python_calamine import CalamineError, CalamineWorkbook

from emolit.affect.lexicon import (
    Lexicon,
    Neutral,
    Row,
    WheelRow,
    groups,
    longest,
    reaches,
    ring_maps,
)
from emolit.errors import ConfigError

Version = Literal["2025", "2026"]
Sets = dict[str, frozenset[str]]
Rings = tuple[dict[str, str], ...]
"""The group of each word of a wheel, for each ring of each wheel."""

WHEELS = ("wheel1", "wheel2", "wheel3", "wheel4", "wheel5")
FORMS = {"038ead296ed73858": "2025", "c9c5bbbd7cdbbb87": "2026"}
"""Checksums of the forms to their version."""
REST = "24106bf26fa9944f"
"""Checksum of synonyms and wheels, which all versions share."""


class ReleasedTables(Lexicon):
    """The released grouping, for scores comparable with published ones.

    With ``own_words: false`` and ``neutral: unknown`` it is the release's, word for word.

    Args:
        folder: Where ``synonym.xlsx`` and ``wheel1.xlsx`` ... ``wheel5.xlsx`` lie.
        version: ``2025`` (AffectGPT, OV-MER, MER2025) or ``2026``, to be checked.
        forms: The file ``format.csv``; None is the one in the folder. The release of MER2026 has
            its own, and the other tables are those of 2025.
        own_words: Whether a word of a wheel belongs to its own group there. In the release the
            alphabet decides, and about 50 of 497 land elsewhere.
        neutral: What a neutral word is: a group of its ``own``, known but in no group (``drop``),
            or ``unknown``, as in the release.

    Raises:
        ConfigError: A file is missing, is no such table, or is of another version.
    """

    wheels = WHEELS
    others = ("case1", "case2")

    def __init__(
        self,
        folder: str,
        version: Version,
        forms: str | None = None,
        own_words: bool = True,
        neutral: Neutral = "own",
    ) -> None:
        super().__init__(neutral)
        self.version = version
        self.own_words = own_words
        place = Path(folder)
        path = place / "format.csv" if forms is None else Path(forms)
        self.table = grouping(place, path, version, own_words)

    @property
    def tag(self) -> str:
        """Version and rule."""
        return f"tables:{self.version}|own:{'yes' if self.own_words else 'no'}"

    @cached_property
    def longest(self) -> int:
        """Words of the longest phrase."""
        return longest(self.table)

    @cached_property
    def _reaches(self) -> dict[str, int]:
        return reaches((*self.table, *self.neutral_words))

    def reach(self, word: str) -> int:
        """Return the words of the longest phrase that begins with a word; 1 where none does."""
        return self._reaches.get(word.partition("'")[0], 1)

    def find(self, word: str) -> Row | None:
        """Return the groups of a word in lower case; None where it is no listed form."""
        return self.table.get(word)

    def names(self, column: int) -> frozenset[str]:
        """Return all groups of a column."""
        return groups(self.table.values(), column)


@cache
def grouping(folder: Path, forms: Path, version: Version, own_words: bool) -> dict[str, Row]:
    """Return the groups of every known word, `case1` and `case2` last.

    Case 1 is the alphabetically first base word that has the form, case 2 the first word of a
    wheel that this one is a synonym of (OV-MER, https://arxiv.org/abs/2410.01495).

    Raises:
        ConfigError: See `ReleasedTables`.
    """
    names, synonyms = read_forms(forms), read_synonyms(folder / "synonym.xlsx")
    wheels = [read_wheel(folder / f"{wheel}.xlsx") for wheel in WHEELS]
    _check(forms, FORMS.get(_digest(names)), version)
    _check(folder, version if _digest(synonyms, wheels) == REST else None, version)
    rings = tuple(ring for wheel in wheels for ring in ring_maps(wheel))
    table = {word: _row(bases, synonyms, rings) for word, bases in names.items()}
    return {**table, **_own(table, rings)} if own_words else table


def _row(bases: frozenset[str], synonyms: Sets, rings: Rings) -> Row:
    """Return the groups of a word by its base words: the alphabet decides among several."""
    words = sorted(frozenset[str]().union(*(synonyms[base] for base in bases)))
    groups = [next((ring[word] for word in words if word in ring), None) for ring in rings]
    first = min(bases)
    return (*groups, first, min(synonyms[first]))


def _own(table: Mapping[str, Row], rings: Rings) -> dict[str, Row]:
    """Return the groups of the words of the wheels, each first of all where it stands itself."""
    nowhere: Row = (None,) * (len(rings) + 2)
    found = {}
    for word in set().union(*rings):
        known = table.get(word, nowhere)
        own = (ring.get(word, group) for ring, group in zip(rings, known, strict=False))
        found[word] = (*own, *known[len(rings) :])
    return found


def read_forms(path: Path) -> Sets:
    """Return the base words of every form.

    Raises:
        ConfigError: The file is missing or is no such table.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [(line["name"], line["format"]) for line in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise _unreadable(path, error) from error
    found = defaultdict(set)
    for name, forms in lines:
        for form in (name, *forms.split(",")):
            found[form.strip().lower()].add(name)
    return {form: frozenset(bases) for form, bases in found.items() if form}


def read_synonyms(path: Path) -> Sets:
    """Return the words of the wheels that each base word is, or is a synonym of.

    Raises:
        ConfigError: The file is missing or is no such table.
    """
    found = defaultdict(set)
    for line in _sheet(path):
        for word, synonyms in zip(line[::2], line[1::2], strict=True):
            for name in (word, *synonyms.split(",")):
                found[name.strip().lower()].add(word.strip().lower())
    return {name: frozenset(words) for name, words in found.items()}


def read_wheel(path: Path) -> list[WheelRow]:
    """Return inner, middle and outer word of each row of a wheel.

    Raises:
        ConfigError: The file is missing or is no such table.
    """
    rows: list[WheelRow] = []
    above: WheelRow = ("", "", "")
    for line in _sheet(path):
        inner, middle, outer = (
            cell.strip().lower() or old for cell, old in zip(line, above, strict=True)
        )
        above = (inner, middle, outer)
        rows.append(above)
    return rows


def _sheet(path: Path) -> list[list[str]]:
    """Return the cells of a workbook's first sheet below its header."""
    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    except (OSError, CalamineError) as error:
        raise _unreadable(path, error) from error
    return [[str(cell) for cell in line] for line in sheet.to_python()[1:]]


def _digest(*tables: Sets | Iterable[Iterable[WheelRow]]) -> str:
    """Return a checksum of what tables say, however their files are written."""
    plain = [
        sorted((word, sorted(names)) for word, names in table.items())
        if isinstance(table, dict)
        else list(map(list, table))
        for table in tables
    ]
    return hashlib.sha256(repr(plain).encode()).hexdigest()[:16]


def _check(where: Path, found: str | None, version: Version) -> None:
    """Refuse tables of another version."""
    if found is None:
        raise ConfigError(
            f"The tables in {where} are of no version that is known (2025, 2026): a score made "
            "with them could not be compared. Take the files of the release as they are."
        )
    if found != version:
        raise ConfigError(
            f"The tables in {where} are those of {found}, and `version` is {version!r}; set it to "
            f"{found!r}, or `forms` to the file format.csv of {version}."
        )


def _unreadable(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"The table {path} cannot be read ({error!r}); give `folder` the released folder with "
        "format.csv, synonym.xlsx and wheel1.xlsx to wheel5.xlsx."
    )

"""What the columns and labels of a strange table seem to be: `emolit describe --guess FILE`.

It proposes and trains nothing: a person looks at the proposal and writes it into YAML.
"""

import json
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

import yaml

from emolit.affect.label_names import Meaning, meaning_of
from emolit.audio.container import CONTAINERS
from emolit.commands.release_codes import code_of
from emolit.data.split_names import SPLITS
from emolit.files.headings import find_renamed
from emolit.files.media import AUDIO
from emolit.files.table import MISSING, Row, read_table
from emolit.reporting.tables import ScoreTable

TAKEN = (
    "path", "label", "speaker", "transcript", "split", "start", "end", "id", "caption", "openset",
    "valence",
)  # fmt: skip
"""Columns of ours that are looked for, in this order."""
WORDS = 3
"""Words a row, on average, from which a column holds sentences."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its own.
        values: Those that are not empty, as text.
    """

    name: str
    values: tuple[str, ...]

    def share(self, fits: Callable[[str], object]) -> float:
        """Return the share of values that fit, 0 to 1; 0 where there are none."""
        return sum(bool(fits(value)) for value in self.values) / max(1, len(self.values))


def names_recording(value: str) -> bool:
    """Tell whether a text ends like the name of a recording."""
    return PurePath(value).suffix.lower() in AUDIO | CONTAINERS


def is_number(value: str) -> bool:
    """Tell whether a text is a number."""
    try:
        float(value)
    except ValueError:
        return False
    return True


def is_unsigned(value: str) -> bool:
    """Tell whether a text is a number of 0 or more."""
    return is_number(value) and float(value) >= 0


FITS: Mapping[str, Callable[[str], object]] = {
    "path": names_recording,
    "split": lambda value: value.casefold() in SPLITS,
    "start": is_number,
    "end": is_number,
    "valence": is_number,
}
"""What the values of a column must be, whatever its name."""
CONTENTS: Mapping[str, tuple[Callable[[str], object], float, str]] = {
    "path": (names_recording, 0.9, "its values end like recordings"),
    "label": (meaning_of, 0.6, "its values are emotions"),
    "split": (lambda value: value.casefold() in SPLITS, 1.0, "its values are splits"),
    "transcript": (lambda value: len(value.split()) >= WORDS, 0.6, "its values are sentences"),
}
"""What tells a column whose name says nothing: a test, the share that must fit, and why."""


@dataclass(frozen=True)
class Guess:
    """What a table seems to hold.

    Attributes:
        file: The table.
        rows: Of it.
    """

    file: Path
    rows: tuple[Row, ...]

    @cached_property
    def table(self) -> dict[str, Column]:
        """The columns by name; lists and objects of JSON are left out."""
        names = dict.fromkeys(name for row in self.rows for name in row.fields)
        kept = {name: [row.fields.get(name) for row in self.rows] for name in names if name}
        texts = {
            name: (str(value).strip() for value in values if value is not None)
            for name, values in kept.items()
            if not any(isinstance(value, list | dict) for value in values)
        }
        return {
            name: Column(name, tuple(text for text in found if text and text not in MISSING))
            for name, found in texts.items()
        }

    @property
    def columns(self) -> dict[str, tuple[str, str]]:
        """Column of the table and why, by column of ours; a rating is none of ours."""
        return {
            ours: it for ours, it in self._matches.items() if ours != "valence" or not self.rating
        }

    @cached_property
    def _matches(self) -> dict[str, tuple[str, str]]:
        """Column of the table and why, by column of ours; each is taken once."""
        found: dict[str, tuple[str, str]] = {}
        for named in (True, False):  # what a name says goes before what the values say
            for ours in TAKEN:
                if ours not in found:
                    used = {name for name, _ in found.values()}
                    free = [column for name, column in self.table.items() if name not in used]
                    match = _by_name(ours, free) if named else _by_values(ours, free)
                    found |= {ours: match} if match else {}
        return {ours: found[ours] for ours in TAKEN if ours in found}

    @cached_property
    def labels(self) -> Counter[str]:
        """How many rows have each label."""
        name, _ = self.columns.get("label", ("", ""))
        return Counter(self.table[name].values if name else ())

    @cached_property
    def meanings(self) -> dict[str, Meaning]:
        """What each label seems to mean; ``?`` where that is open."""
        known = {label: meaning_of(label) for label in self.labels}
        strange = [label for label, meaning in known.items() if meaning is None]
        return {label: meaning or code_of(label, strange) for label, meaning in known.items()}

    @property
    def rating(self) -> Column | None:
        """The column that is named like a valence and never negative: a rating."""
        column = self.table.get(self._matches.get("valence", ("", ""))[0])
        return column if column and column.share(is_unsigned) == 1 else None

    @property
    def renamed(self) -> dict[str, str]:
        """What `columns` of `Manifest` shall be."""
        return {ours: theirs for ours, (theirs, _) in self.columns.items() if ours != theirs}

    @property
    def label_map(self) -> dict[str, str]:
        """What `label_map` of `Manifest` shall be."""
        return {
            label: meaning.label
            for label, meaning in self.meanings.items()
            if meaning.label not in ("?", label.casefold())
        }

    @property
    def open(self) -> list[str]:
        """Labels of which nobody knows what they mean."""
        return [label for label, meaning in self.meanings.items() if meaning.label == "?"]

    def settings(self) -> dict[str, object]:
        """Return the arguments of `Manifest`."""
        found: dict[str, object] = {"root": str(self.file.absolute().parent)}
        found["path"] = self.file.name
        maps = {"columns": self.renamed, "label_map": self.label_map}
        return found | {name: value for name, value in maps.items() if value}


def _by_name(ours: str, columns: Sequence[Column]) -> tuple[str, str] | None:
    there = {column.name: column for column in columns}
    if ours in there:
        return ours, "emolit's own name"
    others = [*there]
    while (other := find_renamed(ours, others)) is not None:
        if there[other].values and there[other].share(FITS.get(ours, bool)) > 0.5:
            return other, f"a common name of {ours!r}"
        others.remove(other)
    return None


def _by_values(ours: str, columns: Sequence[Column]) -> tuple[str, str] | None:
    if ours not in CONTENTS:
        return None
    fits, least, why = CONTENTS[ours]
    best = max(columns, key=lambda column: column.share(fits), default=None)
    return (best.name, why) if best is not None and best.share(fits) >= least else None


def show_guess(file: Path) -> None:
    """Print what a table seems to hold, and the node and the command to read it with.

    Raises:
        CorpusError: It is no table.
    """
    guess = Guess(file, tuple(read_table(file, ())))
    taken = {theirs: (ours, why) for ours, (theirs, why) in guess.columns.items()}
    rows = [(name, *taken.get(name, ("-", "not used"))) for name in guess.table]
    notes = [f"{len(guess.rows)} rows", *_missing(guess)]
    ScoreTable(f"columns of {file}", ("column", "is", "why"), tuple(rows), tuple(notes)).show()
    if guess.labels:
        told = [
            (label, str(count), *guess.meanings[label])
            for label, count in guess.labels.most_common()
        ]
        ScoreTable("labels", ("label", "rows", "means", "why"), tuple(told)).show()
    print(_node(guess))
    settings: list[str] = []
    for name, value in guess.settings().items():
        settings += [f"--data.{name}", value if isinstance(value, str) else _inline(value)]
    print(shlex.join(["emolit", "describe", "--data", "Manifest", *settings]))
    if "label" in guess.columns and not guess.open:
        print(shlex.join(["emolit", "fit", "--config", "own/sft", *settings]))


def _missing(guess: Guess) -> list[str]:
    """Say what is not there."""
    found = []
    if "path" not in guess.columns:
        found.append("no column holds names of recordings with their extension: add one, `path`")
    else:
        listed = guess.table[guess.columns["path"][0]].values
        there = sum((guess.file.parent / path).is_file() for path in listed)
        found.append(f"{there} of {len(listed)} recordings are where their paths say")
    if not {"speaker", "split"} & guess.columns.keys():
        found.append(
            "no column holds speakers or splits: say which does by `columns` (speaker: NAME), or "
            "set `speaker_independent: false` and report it"
        )
    if not {"label", "caption", "openset", "valence"} & guess.columns.keys() and not guess.rating:
        found.append("no column holds a truth: add `label`, `caption`, `openset` or `valence`")
    if guess.rating:
        found.append(
            f"{guess.rating.name!r} is never below 0, so it is a rating and no polarity: give its "
            f"scale by `attributes: {{valence: {{low: …, high: …, column: {guess.rating.name}}}}}`"
        )
    if guess.open:
        found.append(
            f"say with `label_map` what these labels mean, or remove their rows: {guess.open}"
        )
    return found


def _inline(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _node(guess: Guess) -> str:
    """Return the node in YAML; labels that are open stand there as comments."""
    node = {"data": {"class_path": "Manifest", "init_args": guess.settings()}}
    text = yaml.safe_dump(node, sort_keys=False, allow_unicode=True)
    if guess.open:
        text += "" if guess.label_map else "    # label_map:\n"
        text += "".join(f"    #   {_inline(label)}: ?\n" for label in guess.open)
    return text

"""What the matrix of emolit cross holds: the cells, and the tests between rows."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emolit.errors import ConfigError
from emolit.reporting.scorecard import of_arrays, restricted_answers, scorecard
from emolit.statistics.significance import difference, holm, mcnemar, randomization

ALL, RESTRICTED = "all", "restricted"
"""Which options an answer may name: those of the model, or the labels that the corpus has."""
PROBABILITY = "probability"
"""The confidence that restricted answers are decided by."""
TESTED = "UA"
"""The score that is compared by randomization."""
KEPT = ("dropped", "notes", "speaker_independent")
"""What ``scores.json`` says of a corpus besides scores."""


@dataclass(frozen=True)
class Answers:
    """The answers of one row on one corpus, one a clip, sorted by id.

    Attributes:
        ids: Of the clips.
        speakers: Who speaks; None where unknown.
        targets: Class indices.
        answers: Class indices, -1 where unreadable, by the options they may name.
        said: What ``scores.json`` says of the corpus.
    """

    ids: tuple[str, ...]
    speakers: tuple[str | None, ...]
    targets: tuple[int, ...]
    answers: dict[str, tuple[int, ...]]
    said: dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A checkpoint on all corpora.

    Attributes:
        name: ``corpus`` or ``corpus@run``.
        labels: K names, in class order.
        columns: Corpus name to answers.
    """

    name: str
    labels: tuple[str, ...]
    columns: dict[str, Answers]

    @property
    def train(self) -> str:
        """The corpus that it was trained on."""
        return self.name.partition("@")[0]


def read_row(name: str, folder: Path) -> Row:
    """Return a row from what a test has written.

    Raises:
        ConfigError: A file is missing, or an answer is no label.
    """
    scores = folder / "scores.json"
    if not scores.is_file():
        raise ConfigError(
            f"The row {name!r} has no {scores}; the config's `trainer.callbacks` must have Report "
            "and PredictionWriter."
        )
    report = json.loads(scores.read_text(encoding="utf-8"))
    labels = tuple(report["labels"])
    if not labels:
        raise ConfigError(
            f"The answers of the row {name!r} are open; a matrix needs closed labels."
        )
    return Row(
        name,
        labels,
        {
            corpus: read_answers(folder / f"predictions-{corpus}.jsonl", labels, said)
            for corpus, said in report["corpora"].items()
            if said["n"]
        },
    )


def read_answers(file: Path, labels: tuple[str, ...], said: dict[str, Any]) -> Answers:
    """Return the answers of one file of predictions.

    Raises:
        ConfigError: It is missing, or is of another test than the scores.
    """
    if not file.is_file():
        raise ConfigError(f"{file} is missing; the config's callbacks need PredictionWriter.")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    if len(lines) != said["n"]:
        raise ConfigError(
            f"{file} has {len(lines)} clips, the scores beside it are of {said['n']}; test again."
        )
    targets = tuple(labels.index(line["target"]) for line in lines)
    answers = {
        ALL: tuple(-1 if (a := line["answer"]) is None else labels.index(a) for line in lines)
    }
    if PROBABILITY in lines[0].get("probabilities", {}):
        spreads = [[line["probabilities"][PROBABILITY][name] for name in labels] for line in lines]
        answers[RESTRICTED] = tuple(restricted_answers(spreads, targets).tolist())
    return Answers(
        tuple(line["id"] for line in lines),
        tuple(line["speaker"] for line in lines),
        targets,
        answers,
        said,
    )


def check_alike(rows: Sequence[Row]) -> None:
    """Refuse rows that were not tested on the same clips under the same labels.

    Raises:
        ConfigError: Names the rows.
    """
    first = rows[0]
    for row in rows[1:]:
        if (row.labels, [*row.columns]) != (first.labels, [*first.columns]):
            raise ConfigError(
                f"The rows {first.name!r} and {row.name!r} have other labels or corpora: "
                f"{first.labels} on {[*first.columns]}, {row.labels} on {[*row.columns]}. Test "
                "both with one config."
            )
        for corpus, answers in row.columns.items():
            other = first.columns[corpus]
            if (answers.ids, answers.targets) != (other.ids, other.targets):
                raise ConfigError(
                    f"The rows {first.name!r} and {row.name!r} were tested on other clips of "
                    f"{corpus!r}; test both with one config on one release."
                )


def cells_of(rows: Sequence[Row], resamples: int) -> list[dict[str, Any]]:
    """Return one cell for each row, corpus and kind of options.

    Raises:
        ConfigError: The rows do not belong into one matrix.
    """
    check_alike(rows)
    return [
        {
            "row": row.name,
            "train": row.train,
            "test": corpus,
            "options": options,
            "in_corpus": row.train == corpus,
            **scorecard(row.labels, answers, found.targets, found.speakers, resamples),
            **{key: found.said[key] for key in KEPT if key in found.said},
            "confidence": confidence_of(found.said) if options == ALL else {},
        }
        for row in rows
        for corpus, found in row.columns.items()
        for options, answers in found.answers.items()
    ]


def confidence_of(said: dict[str, Any]) -> dict[str, float]:
    """Return the calibration and soft-label scores among those of a corpus."""
    names = said.get(RESTRICTED, {})
    return {key: said[key] for key in said if key.partition("_")[0] in names}


def comparisons_of(
    rows: Sequence[Row], pairs: Sequence[Sequence[str]], draws: int, resamples: int
) -> list[dict[str, Any]]:
    """Return the tests between pairs of rows; Holm's correction is over all that are listed.

    Raises:
        ConfigError: A pair names a row that is not there.
    """
    by_name = {row.name: row for row in rows}
    unknown = sorted({name for pair in pairs for name in pair} - by_name.keys())
    if unknown:
        raise ConfigError(f"--compare names {unknown}; there are the rows {[*by_name]}.")
    found = [
        compare(by_name[first], by_name[second], corpus, options, draws, resamples)
        for first, second in pairs
        for corpus, answers in by_name[first].columns.items()
        for options in answers.answers
    ]
    for test in ("mcnemar", "randomization"):
        for entry, value in zip(found, holm([each[test] for each in found]), strict=True):
            entry[f"{test}_holm"] = value
    return found


def compare(
    first: Row, second: Row, corpus: str, options: str, draws: int, resamples: int
) -> dict[str, Any]:
    """Return the tests between two rows on one corpus: of accuracy, and of UA by speaker."""
    one, other = first.columns[corpus], second.columns[corpus]
    sides = one.answers[options], other.answers[options]
    right = [[a == t for a, t in zip(side, one.targets, strict=True)] for side in sides]
    given = (*sides, one.targets, one.speakers, of_arrays(TESTED))
    cards = [scorecard(first.labels, side, one.targets, one.speakers, 1) for side in sides]
    return {
        "first": first.name,
        "second": second.name,
        "test": corpus,
        "options": options,
        "n": len(one.ids),
        "difference": cards[0][TESTED] - cards[1][TESTED],
        "interval": asdict(difference(*given, draws=resamples)),
        "mcnemar": mcnemar(*right),
        "randomization": randomization(*given, draws=draws),
    }

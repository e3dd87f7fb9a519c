"""Prints the table of MER-UniBench, nine sets and their mean, with the published rows.

    emolit unibench RUN

RUN is a folder with the tests of one checkpoint, each ``<somewhere>/test/scores.json``: the five
sets of words and labels are tested with `OpenVocabulary`, the four of sentiment with `Sentiment`.
The checkpoint must have been chosen by a validation score: the test writes down what
`AdapterCheckpoint` says of that. A mean is printed only if all nine sets are there.
"""

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from emolit.errors import ConfigError
from emolit.metrics.unibench import PRIMARY, unibench
from emolit.reporting.tables import ScoreTable

PUBLISHED = resources.files("emolit").joinpath("assets/unibench.tsv")
CLIPS = {
    "mer2023": 411,
    "mer2024": 1169,
    "meld": 2610,
    "iemocap": 1241,
    "cmu_mosi": 656,
    "cmu_mosei": 3634,
    "ch_sims": 388,
    "ch_sims_v2": 911,
    "ov_merd_plus": 532,
}
"""Clips that are scored of each set; those of sentiment 0 are not."""
REMARK = (
    "Not like for like: the published rows take the best test epoch of each set, read words from "
    "free text by a sampled language model and group them by the tables of 2025. "
    "This run is {path}, chosen once, by {monitor} ({score}, step {step})."
)


@dataclass(frozen=True)
class Test:
    """One ``scores.json``.

    Attributes:
        path: Of the file.
        scores: What it holds.
    """

    path: Path
    scores: Mapping[str, Any]

    @property
    def checkpoint(self) -> Mapping[str, Any] | None:
        """What was tested: ``path`` and ``selection``."""
        return self.scores.get("checkpoint")

    def signature(self, corpus: str) -> str | None:
        """Return the choices behind a score; None where there are none."""
        signatures: dict[str, str] = self.scores["corpora"][corpus].get("signatures", {})
        older = self.scores.get("signature")  # one for all scores, in files of older tests
        return signatures.get(PRIMARY[corpus], older)


def main(arguments: list[str]) -> int:
    """Print the table and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="emolit unibench", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("run", type=Path, help="folder with the tests of one checkpoint")
    given = parser.parse_args(arguments)
    try:
        tests = read(given.run)
        selection = find_checkpoint(tests)
        found = sets(tests)
        if not found:
            raise ConfigError(
                f"The tests below {given.run} are of none of the nine sets, "
                f"{', '.join(PRIMARY)}; test these with `OpenVocabulary` and `Sentiment`."
            )
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sheet(given.run, tests, found, selection).show()
    return 0


def read(run: Path) -> list[Test]:
    """Return all tests below a folder.

    Raises:
        ConfigError: There are none, or one is of another split.
    """
    paths = sorted(run.rglob("test/scores.json"))
    if not paths:
        raise ConfigError(
            f"No test/scores.json lies below {run}; run `emolit test` with the callback Report and "
            "`trainer.default_root_dir` there."
        )
    tests = [Test(path, json.loads(path.read_text(encoding="utf-8"))) for path in paths]
    for test in tests:
        if test.scores["split"] != "test":
            raise ConfigError(
                f"{test.path} is about the split {test.scores['split']!r}, not about test clips; "
                "test the sets as MER-UniBench has them."
            )
    return tests


def find_checkpoint(tests: list[Test]) -> Mapping[str, Any]:
    """Return the path of the checkpoint that all tests are about, and what has chosen it.

    Raises:
        ConfigError: It was no validation score, nothing tells, or there are several checkpoints.
    """
    for test in tests:
        if test.checkpoint != tests[0].checkpoint:
            raise ConfigError(
                f"{tests[0].path} is about the checkpoint {tests[0].checkpoint}, {test.path} about "
                f"{test.checkpoint}; give a folder with the tests of one."
            )
    checkpoint = tests[0].checkpoint or {}
    selection: Mapping[str, Any] | None = checkpoint.get("selection")
    what = f"The checkpoint {checkpoint.get('path')!r} of {tests[0].path}"
    then = "test the folder of an AdapterCheckpoint with `monitor: val/...`."
    if selection is None:
        raise ConfigError(f"{what} does not say how it was chosen; {then}")
    if selection["monitor"] is None:
        raise ConfigError(f"{what} is the newest of its run and was not chosen; {then}")
    if not selection["monitor"].startswith("val/"):
        raise ConfigError(
            f"{what} was chosen by {selection['monitor']}, which is no validation score; {then}"
        )
    return {"path": checkpoint["path"], **selection}


def sets(tests: list[Test]) -> dict[str, Test]:
    """Return the test of each set that has its primary score.

    Raises:
        ConfigError: A set was tested twice.
    """
    found: dict[str, Test] = {}
    for test in tests:
        for corpus, entry in test.scores["corpora"].items():
            if entry.get(PRIMARY.get(corpus, "")) is None:
                continue
            if corpus in found:
                raise ConfigError(
                    f"{corpus} was tested in {found[corpus].path} and in {test.path}; leave one "
                    "of them out, none is the better one."
                )
            found[corpus] = test
    return found


def score(test: Test, corpus: str) -> float:
    """Return the primary score of a set."""
    return float(test.scores["corpora"][corpus][PRIMARY[corpus]])


def sheet(
    run: Path, tests: list[Test], found: Mapping[str, Test], selection: Mapping[str, Any]
) -> ScoreTable:
    """Return the table: published rows, the run, and how many clips it was scored on."""
    text = PUBLISHED.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    published = [
        tuple(cell or "-" for cell in row.values()) for row in csv.DictReader(lines, delimiter="\t")
    ]
    scores = {name: score(test, name) for name, test in found.items()}
    mean = f"{100 * unibench(scores):.2f}" if len(scores) == len(PRIMARY) else "-"
    shown = (f"{100 * scores[name]:.2f}" if name in scores else "-" for name in PRIMARY)
    counts = {name: test.scores["corpora"][name]["n"] for name, test in found.items()}
    clips = (str(counts.get(name, "-")) for name in PRIMARY)
    rows = (*published, (run.name, "", *shown, mean), ("n", "", *clips, ""))
    notes = (REMARK.format(**selection), *remarks(tests, found, counts))
    return ScoreTable(
        "MER-UniBench, in percent", ("model", "inputs", *PRIMARY, "mean"), rows, notes
    )


def remarks(
    tests: list[Test], found: Mapping[str, Test], counts: Mapping[str, int]
) -> tuple[str, ...]:
    """Return what a reader of the run's row must know."""
    notes = [
        f"{name}: {counts[name]} clips were scored, the benchmark has {CLIPS[name]}"
        for name in counts
        if counts[name] != CLIPS[name]
    ]
    missing = [f"{name} ({PRIMARY[name]})" for name in PRIMARY if name not in found]
    if missing:
        notes.append(f"no mean of nine sets: {', '.join(missing)} missing")
    others = {name for test in tests for name in test.scores["corpora"]} - {*PRIMARY}
    if others:
        notes.append(f"not of MER-UniBench and left out: {', '.join(sorted(others))}")
    signatures = (found[name].signature(name) for name in PRIMARY if name in found)
    return (*notes, *dict.fromkeys(filter(None, signatures)))

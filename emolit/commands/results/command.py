"""Collects what the tests of sweeps have found into docs/results/NAME.json, and renders all of it.

    emolit results demo configs/sweeps/demo.yaml
    emolit results

The first writes ``docs/results/demo.json``; both write ``docs/results.md``. Nothing is computed
that is not in the runs' own files. docs/experiments.md says what a row holds.
"""

import argparse
import json
import re
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emolit.commands.results.captions import SCORES as CAPTIONED
from emolit.commands.results.comparisons import (
    RESTRICTED,
    adjust,
    caption_intervals,
    compare,
    interval_keys,
    pool,
    read,
)
from emolit.commands.results.page import metrics_of, page
from emolit.commands.shipped import find
from emolit.commands.sweep.plan import Stage, Sweep
from emolit.commands.sweep.plan import read as read_sweep
from emolit.commands.sweep.stage import relative
from emolit.engine.weights.selection import start_note
from emolit.errors import ConfigError

DOCS = Path("docs")
ORIGIN = ("config", "commit", "command", "trained_config", "trained_command")
"""Where a row comes from; the last two are of the training whose ``best`` was tested."""
HOME = re.compile(r"(?<![\w./:])/[^\s\"',\]}]*/")
"""Folders before the last name of an absolute path: those of the machine that ran a command."""
COUNTS = ("n", "cropped", "outside")
"""Numbers of a corpus in ``scores.json`` that are no scores."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Test:
    """One finished test stage.

    Attributes:
        stage: Of the sweep.
        record: Its ``run.json``.
        scores: Its ``scores.json``.
    """

    stage: Stage
    record: dict[str, Any]
    scores: dict[str, Any]

    @property
    def corpora(self) -> dict[str, dict[str, Any]]:
        """The scores by corpus, and those of restricted options where a corpus lacks labels."""
        found: dict[str, dict[str, Any]] = self.scores["corpora"]
        cards = {
            name: entry.get("restricted", {}).get("probability") for name, entry in found.items()
        }
        return found | {
            f"{name}{RESTRICTED}": card
            for name, card in cards.items()
            if card is not None and None in card["recall"].values()
        }

    def row(self, corpus: str, **found: Any) -> Row:
        """Return a row: what it is about, what was found, and where that comes from."""
        where = {
            "arm": self.stage.arm,
            "test": self.stage.name,
            "seed": self.stage.cell["seed"],
            "fold": self.stage.cell.get("fold"),
            "corpus": corpus,
            "split": self.scores["split"],
        }
        origin = {key: without_homes(self.record[key]) for key in ORIGIN}
        return {**where, **found, **origin}


def main(arguments: list[str]) -> int:
    """Collect and render; return 1 where something is missing or wrong."""
    parser = argparse.ArgumentParser(prog="emolit results", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", help="of the file below docs/results/")
    parser.add_argument("sweeps", nargs="*", help="sweep files, or names of shipped ones")
    parser.add_argument("--root", type=Path, help="folder of all stages, in place of the file's")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder to write to")
    given = parser.parse_args(arguments)
    if given.name and not given.sweeps:
        parser.error("name the sweep files too")
    missing: list[Path] = []
    try:
        if given.name:
            rows = collect(
                [read_sweep(Path(find(s, "sweeps")), given.root) for s in given.sweeps], missing
            )
            path = given.docs / "results" / f"{given.name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(lines(rows), encoding="utf-8")
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    (given.docs / "results.md").write_text(page(given.docs / "results"), encoding="utf-8")
    for folder in missing:
        sys.stderr.write(f"missing: {folder} is not finished\n")
    return 1 if missing else 0


def lines(rows: Sequence[Row]) -> str:
    """Return a JSON list with one row a line, so that two versions can be compared.

    Raises:
        ConfigError: There is nothing to write.
    """
    if not rows:
        raise ConfigError("No test of these sweeps is finished; run emolit sweep first.")
    texts = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return "[\n" + ",\n".join(texts) + "\n]\n"


def collect(sweeps: Sequence[Sweep], missing: list[Path]) -> list[Row]:
    """Return the rows of all sweeps: by run, pooled, means, and comparisons.

    Args:
        sweeps: Several may share runs; a run counts once.
        missing: Gets the folders of unfinished tests.
    """
    single: dict[Path, list[Row]] = {}
    joint: list[Row] = []
    versus: list[Row] = []
    for sweep in sweeps:
        tests = finished_tests(sweep, missing)
        for test in tests:
            single[test.stage.folder] = list(rows_of(test))
        groups = group_tests(tests, sweep)
        joint += [row for group in groups.values() for row in pooled_rows(group, sweep)]
        versus += versus_rows(groups, sweep)
    rows = [row for found in single.values() for row in found]
    joint, versus = drop_repeated(joint), drop_repeated(versus)
    adjust(versus)
    folds = list(spread(rows, "fold"))
    seeds = list(spread([*rows, *joint], "seed"))
    return [*rows, *joint, *folds, *seeds, *versus]


def drop_repeated(rows: Sequence[Row]) -> list[Row]:
    """Return rows without those that another sweep has found too."""
    kept = {json.dumps({**row, "command": ""}): row for row in reversed(rows)}
    return list(reversed(kept.values()))


def finished_tests(sweep: Sweep, missing: list[Path]) -> list[Test]:
    """Return the finished tests of a sweep."""
    tests = []
    for stage in sweep.stages.values():
        if stage.subcommand != "test":
            continue
        if not (stage.folder / "run.json").is_file():
            missing.append(stage.folder)
            continue
        texts = [stage.folder / "run.json", stage.folder / "test" / "scores.json"]
        tests.append(Test(stage, *(json.loads(path.read_text("utf-8")) for path in texts)))
    return tests


def rows_of(test: Test) -> Iterator[Row]:
    """Yield what a test says about each corpus."""
    for corpus, entry in test.corpora.items():
        found = {"n": entry["n"]}
        for key, value in entry.items():
            if key.endswith("_interval"):
                found |= interval_keys(key.removesuffix("_interval"), value)
            elif key not in COUNTS and (value is None or type(value) in (int, float)):
                found[key] = value
        for label, card in entry.get("per_class", {}).items():
            found[f"recall_{label}"] = card["recall"]
        if start_note(test.scores.get("checkpoint")):
            found["start"] = True
        if CAPTIONED.keys() & entry.keys():
            found |= caption_intervals(read(folders([test]), corpus))
        yield test.row(corpus, **found)


def group_tests(tests: Sequence[Test], sweep: Sweep) -> dict[tuple[str, str, Any], list[Test]]:
    """Return the tests of all folds by arm, name and seed, where no fold is missing."""
    groups: dict[tuple[str, str, Any], list[Test]] = {}
    for test in tests:
        key = (test.stage.arm, test.stage.name, test.stage.cell["seed"])
        groups.setdefault(key, []).append(test)
    folds = len({cell.get("fold") for cell in sweep.cells})
    return {key: group for key, group in groups.items() if len(group) == folds}


def join_tests(tests: Sequence[Test], sweep: Sweep) -> Test:
    """Return several tests as one, each origin named once."""
    record = {key: all_of(test.record[key] for test in tests) for key in ORIGIN}
    return replace(tests[0], record={**record, "command": f"emolit sweep {relative(sweep.path)}"})


def without_homes(origin: str | None) -> str | None:
    """Return a command with ``…/corpora`` in place of ``/home/me/corpora``."""
    return origin and HOME.sub("…/", origin)


def all_of(origins: Iterable[str | None]) -> str | None:
    """Return origins as one text, each once; None where there are none."""
    return " + ".join(dict.fromkeys(filter(None, origins))) or None


def folders(tests: Sequence[Test]) -> dict[Any, Path]:
    """Return the folders of tests by fold."""
    return {test.stage.cell.get("fold"): test.stage.folder for test in tests}


def pooled_rows(tests: Sequence[Test], sweep: Sweep) -> Iterator[Row]:
    """Yield the scores on the union of what the folds have held out, by corpus."""
    for corpus in tests[0].corpora if len(tests) > 1 else ():
        found = pool(read(folders(tests), corpus))
        if found is not None:
            if any(start_note(test.scores.get("checkpoint")) for test in tests):
                found["start"] = True
            yield {**join_tests(tests, sweep).row(corpus, **found), "fold": "pooled"}


def versus_rows(groups: dict[tuple[str, str, Any], list[Test]], sweep: Sweep) -> Iterator[Row]:
    """Yield the comparisons that a sweep asks for, as far as both arms are finished."""
    for pair in sweep.compare:
        for (arm, name, seed), first in groups.items():
            second = groups.get((pair["versus"], name, seed))
            if arm != pair["arm"] or second is None:
                continue
            for corpus in first[0].corpora:
                one, other = read(folders(first), corpus), read(folders(second), corpus)
                found = compare(one, other, pair["metric"])
                row = join_tests([*first, *second], sweep).row(corpus, **found)
                fold = "pooled" if len(first) > 1 else row["fold"]
                yield {"arm": arm, "versus": pair["versus"], **row, "fold": fold}


def spread(rows: Sequence[Row], axis: str) -> Iterator[Row]:
    """Yield mean and standard deviation (n - 1) of every score over folds or over seeds."""
    fixed = [key for key in ("arm", "test", "seed", "fold", "corpus", "split") if key != axis]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in fixed), []).append(row)
    for key, group in groups.items():
        if len(group) < 2:
            continue
        found = {**dict(zip(fixed, key, strict=True)), axis: "mean", f"{axis}s": len(group)}
        found["n"] = group[0]["n"] if axis == "seed" else sum(row["n"] for row in group)
        for name in metrics_of(group):
            values: list[Any] = [row.get(name) for row in group]
            found[name] = None if None in values else statistics.fmean(values)
            found[f"{name}_sd"] = None if None in values else statistics.stdev(values)
        for name in ORIGIN:  # of a mean, the commands of all that it is made of
            found[name] = all_of(row[name] for row in group)
        yield found

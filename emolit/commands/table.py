"""Puts the tests of several runs into one table: report.json, report.md and the terminal.

    emolit table runs/demo --seed 0

reads ``<root>/<run>/test/scores.json``, which ``emolit.callbacks.report.Report`` writes. The runs
of a sweep lie a stage deeper: ``--stage seed0/test``. ``--published`` adds what others have
published on the corpora.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from emolit.engine.weights.selection import start_note
from emolit.errors import ConfigError
from emolit.files.atomic import write_atomically
from emolit.reporting.published import published_corpora, published_table
from emolit.reporting.tables import SCORES, ScoreTable, classes_table, scores_table


def main(arguments: list[str]) -> int:
    """Write the reports of a folder of runs and return the exit status."""
    parser = argparse.ArgumentParser(prog="emolit table", description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder of the runs, for example runs/demo")
    parser.add_argument("--seed", type=int, help="seed the runs must have; by default their own")
    parser.add_argument("--runs", nargs="+", default=["sft", "grpo"], help="by default these two")
    parser.add_argument("--stage", type=Path, default=Path(), help="of a sweep: seed0/test")
    parser.add_argument(
        "--published", action="store_true", help="add what others have published on the corpora"
    )
    options = parser.parse_args(arguments)
    try:
        paths = {run: options.root / run / options.stage for run in options.runs}
        tests = {run: load(path / "test" / "scores.json", run) for run, path in paths.items()}
        seed = common_seed(tests, options.seed)
        entries = entries_of(tests)
        others = published(entries) if options.published else []
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    write(options.root, seed, entries, remarks(tests), others)
    return 0


def load(path: Path, run: str) -> dict[str, Any]:
    """Return one scores file.

    Raises:
        ConfigError: It is missing or damaged, or about open answers.
    """
    if not path.is_file():
        raise ConfigError(
            f"The run {run!r} has no scores at {path}; run its test first, "
            "or name the runs that are there with --runs."
        )
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path} is not JSON ({error}); run the test of {run!r} again."
        ) from error
    if not found["labels"]:
        raise ConfigError(
            f"The answers of the run {run!r} are open, and this table is of closed labels; "
            f"collect its scores with emolit results, or read {path}."
        )
    return found


def common_seed(tests: dict[str, dict[str, Any]], wanted: int | None) -> int | None:
    """Return the seed of all runs.

    Raises:
        ConfigError: They differ from each other or from the one wanted.
    """
    seeds = {run: test["seed"] for run, test in tests.items() if test["seed"] is not None}
    seed = next(iter(seeds.values()), None) if wanted is None else wanted
    if any(other != seed for other in seeds.values()):
        raise ConfigError(
            f"The runs have the seeds {seeds}, but the table is for seed {seed}; "
            "run them with one seed, each seed in a folder of its own."
        )
    return seed


def entries_of(tests: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one entry for each run and corpus, in the order of the runs."""
    return [
        {"run": run, "corpus": corpus, "split": test["split"], **scores}
        for run, test in tests.items()
        for corpus, scores in test["corpora"].items()
    ]


def remarks(tests: dict[str, dict[str, Any]]) -> list[str]:
    """Return what a reader of the table must know: what UA and WA are, which run is its start."""
    found = {}
    for test in tests.values():
        for corpus, scores in test["corpora"].items():
            supports = [label.get("support", 0) for label in scores.get("per_class", {}).values()]
            if any(supports):
                found[corpus] = 1 / sum(map(bool, supports))
    chances = ", ".join(f"{chance:.3f} on {corpus}" for corpus, chance in found.items())
    starts = [(run, start_note(test.get("checkpoint"))) for run, test in tests.items()]
    return [
        f"UA is the mean recall of the labels, WA the share of right answers; the same answer to "
        f"every clip has a UA of {chances}",
        *(f"{run}: {note}" for run, note in starts if note),
    ]


def published(entries: list[dict[str, Any]]) -> list[ScoreTable]:
    """Return a table with published scores for each corpus of which some are known.

    Raises:
        ConfigError: None are known of any.
    """
    corpora = dict.fromkeys(entry["corpus"] for entry in entries)
    found = [
        published_table(corpus, [entry for entry in entries if entry["corpus"] == corpus])
        for corpus in corpora
    ]
    known = [sheet for sheet in found if sheet is not None]
    if not known:
        raise ConfigError(
            f"--published: no published scores are known of {', '.join(corpora)}, only of "
            f"{', '.join(published_corpora())}; leave it out."
        )
    return known


def result(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what report.json holds of an entry."""
    keys = ("run", "corpus", "split", "n", *SCORES)
    interval = entry.get("UA_interval") or {"low": None, "high": None}
    ends = None if interval["low"] is None else [interval["low"], interval["high"]]
    return {**{key: entry[key] for key in keys}, "UA_interval": ends}


def write(
    root: Path,
    seed: int | None,
    entries: list[dict[str, Any]],
    notes: list[str],
    others: list[ScoreTable],
) -> None:
    """Write report.json and report.md below the root, print the main table and other tables."""
    report = {"seed": seed, "results": [result(entry) for entry in entries]}
    splits = "+".join(sorted({entry["split"] for entry in entries}))
    title = f"{root.name}, seed {seed}, {splits}"
    main_sheet = scores_table(title, entries, ("run", "corpus"))
    main_sheet = replace(main_sheet, notes=(*main_sheet.notes, *notes))
    by_class = [
        classes_table(f"{entry['run']}, {entry['corpus']} by class", entry)
        for entry in entries
        if "per_class" in entry
    ]
    pages = [sheet.markdown() for sheet in (main_sheet, *others, *by_class)]
    with write_atomically(root / "report.json") as file:
        file.write(json.dumps(report, indent=2) + "\n")
    with write_atomically(root / "report.md") as file:
        file.write("# Report\n\n" + "\n".join(pages))
    for sheet in (main_sheet, *others):
        sheet.show()

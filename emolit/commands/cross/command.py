"""Tests one or several checkpoints on all corpora of a config and writes the matrix of scores.

    emolit cross --config configs/experiments/ravdess/test.yaml --out runs/cross \
        --rows ravdess=runs/ravdess/sft/best ravdess@grpo=runs/ravdess/grpo/best --restricted \
        -- --data.init_args.root PARENT

Rows are training corpora (``corpus`` or ``corpus@run``), columns are the corpora of the config's
``Mixture``, under one label set. The policy of a row is the one that its checkpoint names. Each row
is one ``emolit test`` in a process of its own with the folder ``<out>/<row>``; a row whose command,
config and checkpoint are the same as before is not tested again. Writes ``cross.json``,
``cross.md`` and pictures for TensorBoard (``<out>/board``).
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from emolit import __version__
from emolit.commands.cross import pages as cross_pages
from emolit.commands.cross.cells import Row, cells_of, comparisons_of, read_row
from emolit.commands.shipped import find
from emolit.engine.weights.record import read_record
from emolit.errors import ConfigError, EmolitError
from emolit.files.atomic import write_atomically
from emolit.files.listing import states_below

CHECKPOINT = "--model.init_args.policy.init_args.checkpoint"
POLICY = "--model.init_args.policy"
CONFIDENCE = "--model.init_args.evaluator.init_args.confidence+"
NAME = re.compile(r"[\w.-]+(@[\w.-]+)?")
DONE = "done.json"


def main(arguments: list[str]) -> int:
    """Test what was not tested, write the matrix, and return the exit status."""
    given = parse_arguments(arguments)
    extra = [*given.extra, *([CONFIDENCE, "OptionProbability"] if given.restricted else [])]
    try:
        folders = rows_of(given.rows)
        for name, checkpoint in folders.items():
            test(Path(find(given.config)), given.out / name, checkpoint, extra)
        rows = [read_row(name, given.out / name / "test") for name in folders]
        matrix = matrix_of(rows, given)
    except EmolitError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    write(given.out, matrix)
    return 0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="emolit cross", description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True, help="a test experiment of a Mixture")
    parser.add_argument("--rows", nargs="+", required=True, help="NAME=CHECKPOINT each")
    parser.add_argument("--out", type=Path, default=Path("runs/cross"))
    parser.add_argument(
        "--restricted",
        action="store_true",
        help="a second row each: the most probable among the labels that the corpus has",
    )
    parser.add_argument(
        "--compare",
        nargs=2,
        action="append",
        metavar="ROW",
        help="two rows that are tested against each other, several times; by default every pair",
    )
    parser.add_argument("--resamples", type=int, default=1000, help="of an interval")
    parser.add_argument("--draws", type=int, default=10_000, help="of a randomization test")
    parser.add_argument("extra", nargs="*", help="further arguments of emolit, after --")
    return parser.parse_args(arguments)


def rows_of(given: list[str]) -> dict[str, Path]:
    """Return checkpoints by row.

    Raises:
        ConfigError: A name cannot be one or stands twice, or a folder is missing.
    """
    found: dict[str, Path] = {}
    for text in given:
        name, _, folder = text.partition("=")
        if not NAME.fullmatch(name) or name in found or not folder:
            raise ConfigError(
                f"The row {text!r} is no new NAME=CHECKPOINT; name each row once, such as "
                "ravdess=runs/sft/best or ravdess@grpo=runs/grpo/best."
            )
        if not Path(folder).is_dir():
            raise ConfigError(
                f"The checkpoint of the row {name!r} is missing: looked for {folder}."
            )
        found[name] = Path(folder)
    return found


def test(config: Path, folder: Path, checkpoint: Path, extra: list[str]) -> None:
    """Run ``emolit test`` on a checkpoint, unless the folder holds this very test.

    Raises:
        ConfigError: It fails.
    """
    arguments = ["test", "--config", str(config), *policy_of(checkpoint), *extra]
    arguments += [CHECKPOINT, str(checkpoint), "--trainer.default_root_dir", str(folder)]
    state = {
        "arguments": arguments,
        "config": hashlib.sha256(config.read_bytes()).hexdigest(),
        "checkpoint": states_below(checkpoint),
    }
    done = folder / DONE
    if done.is_file() and json.loads(done.read_text(encoding="utf-8")) == state:
        print(f"{folder.name}: tested before, see {folder}")
        return
    done.unlink(missing_ok=True)
    words = [sys.executable, "-m", "emolit", "test", "--overwrite", "true", *arguments[1:]]
    status = subprocess.run(words, check=False).returncode
    if status:
        raise ConfigError(
            f"The test of the row {folder.name!r} ended with status {status}; see above. Rows that "
            "were finished are kept when the same command runs again."
        )
    with write_atomically(done) as file:
        json.dump(state, file, indent=2)


def policy_of(checkpoint: Path) -> list[str]:
    """Return the words that set the policy which a checkpoint names, so that kinds may be mixed."""
    record = read_record(checkpoint)
    return [POLICY, record["policy"]["class_path"]] if record and record.get("policy") else []


def matrix_of(rows: list[Row], given: argparse.Namespace) -> dict[str, Any]:
    """Return all that cross.json holds."""
    pairs = given.compare or [
        [first.name, second.name] for i, first in enumerate(rows) for second in rows[i + 1 :]
    ]
    return {
        "emolit": __version__,
        "config": str(given.config),
        "extra": given.extra,
        "labels": list(rows[0].labels),
        "rows": [row.name for row in rows],
        "columns": list(rows[0].columns),
        "resamples": given.resamples,
        "draws": given.draws,
        "cells": cells_of(rows, given.resamples),
        "comparisons": comparisons_of(rows, pairs, given.draws, given.resamples),
    }


def write(out: Path, matrix: dict[str, Any]) -> None:
    """Write JSON, Markdown and pictures, and print the main table."""
    with write_atomically(out / "cross.json") as file:
        json.dump(matrix, file, ensure_ascii=False, allow_nan=False, indent=2)
    tables = cross_pages.tables(matrix)
    with write_atomically(out / "cross.md") as file:
        file.write("# Cross-corpus matrix\n\n" + "\n".join(table.markdown() for table in tables))
    cross_pages.show(matrix, out / "board")
    tables[0].show()

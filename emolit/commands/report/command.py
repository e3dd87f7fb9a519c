"""Writes one HTML file about one run or several: training, curves, scores, tests, answers, sound.

    emolit report runs/demo/sft runs/demo/grpo --out report.html

The file opens from a disk, without a network and without emolit. A run is the folder that ``fit``
or ``test`` wrote to; ``NAME=FOLDER`` gives it a name. Nothing is computed anew but the tests
between runs, which are those of ``emolit results``.
"""

import argparse
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from emolit import __version__
from emolit.commands.report.charts import COLORS, FIRST, HEIGHT, WIDTH, draw_charts
from emolit.commands.report.comparisons import comparison_table
from emolit.commands.report.samples import Sample, Sounds, choose
from emolit.commands.report.scores import confusions_of, score_tables
from emolit.errors import ConfigError, EmolitError
from emolit.files.atomic import write_atomically
from emolit.reporting.curves import read_curves
from emolit.reporting.recipe import recipe
from emolit.reporting.run import Run, trainings

TEMPLATE = "report.html.jinja"
OPEN = 6
"""Charts that are shown at once; the others unfold."""


def main(arguments: list[str]) -> int:
    """Write the file and return the exit status."""
    given = parse_arguments(arguments)
    try:
        runs = runs_of(given.runs)
        text = page(runs, given.samples, given.audio)
        with write_atomically(given.out) as file:
            file.write(text)
    except EmolitError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    print(
        f"{given.out}: {len(runs)} {'run' if len(runs) == 1 else 'runs'}, {len(text) / 1e6:.1f} MB"
    )
    return 0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Return the options of the command line."""
    about = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="emolit report", description=about)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a folder, or NAME=FOLDER")
    parser.add_argument("--out", type=Path, default=Path("report.html"), help="the file to write")
    parser.add_argument("--samples", type=int, default=3, help="answers of a kind and corpus")
    parser.add_argument("--audio", type=int, default=6, help="clips of a corpus that are heard")
    return parser.parse_args(arguments)


def runs_of(given: list[str]) -> dict[str, Run]:
    """Return runs by name: the one given, or the folder's own.

    Raises:
        ConfigError: A folder is missing, holds no run, or has the name of another.
    """
    found: dict[str, Run] = {}
    for text in given:
        name, equals, folder = ("", "", text) if Path(text).is_dir() else text.partition("=")
        run = Run(Path(folder or text))
        name = name if equals else run.folder.resolve().name
        if not run.folder.is_dir():
            raise ConfigError(f"The run {text!r} is not there: looked for the folder {run.folder}.")
        if not run.configs and run.scores is None:
            raise ConfigError(
                f"{run.folder} holds no run: neither a config.yaml that `emolit fit` or `emolit "
                "test` has saved, nor test/scores.json. Give their `trainer.default_root_dir`."
            )
        if name in found:
            raise ConfigError(
                f"Two runs are called {name!r}; name them, such as {name}2={run.folder}."
            )
        found[name] = run
    return found


def page(runs: dict[str, Run], samples: int, audio: int) -> str:
    """Return the whole file; whatever stands in a text is escaped.

    Args:
        runs: By name.
        samples: Answers of a kind and corpus that are shown.
        audio: Clips of a corpus that can be heard.
    """
    curves = {name: read_curves(run.folder) for name, run in runs.items()}
    monitored = dict.fromkeys(str(run.fit["monitor"]) for run in runs.values() if run.fit)
    tested = {name: run for name, run in runs.items() if run.scores}
    shown, remarks = samples_of(list(tested.values()), samples, audio)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"number": lambda value: f"{value:.3f}"}
    text = resources.files("emolit").joinpath("assets", TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(text).render(
        emolit=__version__,
        runs=runs,
        recipes={name: recipe(made) for name, run in runs.items() if (made := maker_of(run))},
        charts=draw_charts(curves, [*monitored, *FIRST]),
        silent=[name for name, found in curves.items() if not found],
        colors=dict(zip(runs, COLORS * len(runs), strict=False)),
        area=(WIDTH, HEIGHT),
        open=OPEN,
        untested=[name for name in runs if name not in tested],
        tables=score_tables({name: run.scores or {} for name, run in tested.items()}),
        comparisons=comparison_table(tested),
        confusions=confusions_of({name: run.scores or {} for name, run in tested.items()}),
        tested=list(tested),
        samples=shown,
        remarks=remarks,
    )


def maker_of(run: Run) -> Run | None:
    """Return the run that has trained what this one tells of: itself, or where its test says so."""
    if run.trained:
        return run
    tested: dict[str, Any] = (run.scores or {}).get("checkpoint") or {}
    made = trainings(Path(tested["path"])) if "path" in tested else []
    return made[-1] if made else None


def samples_of(
    runs: list[Run], number: int, audio: int
) -> tuple[dict[str, list[Sample]], list[str]]:
    """Return samples by corpus, some of them with sound, and what is to be said of the sound."""
    corpora = dict.fromkeys(name for run in runs for name in (run.scores or {})["corpora"])
    if not corpora:
        return {}, []
    sounds = Sounds(runs[-1].tested) if audio else None
    found = {}
    for corpus in corpora:
        closed = any((run.scores or {})["labels"] for run in runs)
        chosen = choose(runs, corpus, closed, number)
        names = [sample.line["id"] for sample in chosen[:audio]]
        heard = sounds.find(corpus, names) if sounds else {}
        found[corpus] = [replace(each, sound=heard.get(each.line["id"])) for each in chosen]
    return found, list(sounds.remarks.values()) if sounds else []

"""Runs the stages of a sweep file one after another, each in a process and a folder of its own.

    emolit sweep configs/sweeps/demo.yaml --dry-run
    emolit sweep configs/sweeps/demo.yaml --only grpo -- --data.init_args.root PARENT

Finished stages are skipped, so that a sweep which was stopped goes on where it was; several sweeps
may run at once below one root. docs/experiments.md says how sweeps are written.
"""

import argparse
import json
import shlex
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from emolit.commands.shipped import find
from emolit.commands.sweep.plan import Stage, Sweep, read
from emolit.commands.sweep.stage import (
    alone,
    begin,
    choose,
    config_hash,
    digest,
    finished,
    refuse_changed,
    relative,
    run,
    trained,
    wall_time,
    write,
)
from emolit.errors import ConfigError

CHECKPOINT = "--model.init_args.policy.init_args.checkpoint"


def main(arguments: list[str] | None = None) -> int:
    """Run or print a sweep; return 1 if a stage has failed."""
    parser = argparse.ArgumentParser(prog="emolit sweep", description=__doc__.splitlines()[0])
    parser.add_argument("sweep", help="a file, or the name of a shipped one, such as demo")
    parser.add_argument("--only", nargs="+", metavar="ARM", help="these arms and their starts")
    parser.add_argument("--root", type=Path, help="folder of all stages, in place of the file's")
    parser.add_argument("--seeds", type=int, nargs="+", help="in place of the file's")
    parser.add_argument("--dry-run", action="store_true", help="print the commands")
    parser.epilog = "What stands after -- are options of every stage."
    words = sys.argv[1:] if arguments is None else arguments
    end = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:end])
    try:
        sweep = read(Path(find(given.sweep, "sweeps")), given.root, given.seeds)
        stages = chosen(sweep, given.only)
        runner = Runner(sweep, tuple(words[end + 1 :]))
        if given.dry_run:
            print(*(shlex.join(runner.command(stage)) for stage in stages), sep="\n")
            return 0
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for stage in stages:
        runner.visit(stage)
    return 1 if runner.failed else 0


def chosen(sweep: Sweep, arms: list[str] | None) -> list[Stage]:
    """Return the stages of some arms and all that they build on, in the order of the sweep.

    Raises:
        ConfigError: There is no such arm.
    """
    odd = sorted(set(arms or ()) - set(sweep.arms))
    if odd:
        raise ConfigError(f"There is no arm {odd[0]!r}; {sweep.path} has {list(sweep.arms)}.")
    wanted = {stage.folder for stage in sweep.stages.values() if not arms or stage.arm in arms}
    for stage in reversed(sweep.stages.values()):
        if stage.folder in wanted:
            wanted.update(filter(None, (stage.before, *stage.sources)))
    return [stage for stage in sweep.stages.values() if stage.folder in wanted]


@dataclass
class Runner:
    """Runs stages and remembers which have failed.

    Attributes:
        sweep: What is run.
        extra: Options of every stage.
        failed: Folders of the stages that have failed, or that could not be run for that.
    """

    sweep: Sweep
    extra: tuple[str, ...] = ()
    failed: set[Path] = field(default_factory=set)

    def command(self, stage: Stage) -> list[str]:
        """Return the words of a stage's command."""
        if stage.candidates:
            return ["best", "of", *(str(candidate.folder) for candidate in stage.candidates)]
        options = {
            **stage.options,
            "seed_everything": stage.cell["seed"],
            "trainer.default_root_dir": str(stage.folder),
        }
        if stage.as_long_as is not None:
            options["trainer.max_time"] = wall_time(stage.as_long_as)
            options |= {"trainer.max_epochs": -1, "trainer.max_steps": -1}
        words = ["emolit", stage.subcommand]
        for path in stage.configs:
            words += ["--config", str(relative(path))]
        for name, value in options.items():
            words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
        if stage.start is not None:
            words += [CHECKPOINT, str(stage.start / "best")]
        return [*words, *self.extra]

    def visit(self, stage: Stage) -> None:
        """Run a stage unless it is finished; on failure say why and remember it."""
        broken = [folder for folder in (stage.before, *stage.sources) if folder in self.failed]
        try:
            if broken:
                raise ConfigError(f"{broken[0]} has failed.")
            stage.folder.mkdir(parents=True, exist_ok=True)
            with alone(stage.folder) as lock:
                self.run(stage, lock)
        except ConfigError as error:
            self.failed.add(stage.folder)
            print(f"not done  {stage.folder}: {error}", flush=True)

    def run(self, stage: Stage, lock: int) -> None:
        """Run a stage that nobody else is running, unless it is finished.

        Raises:
            ConfigError: It has failed, or was run as something else before.
        """
        words = self.command(stage)
        wanted = {
            "command": shlex.join(words),
            "configs": {str(relative(path)): digest(path) for path in stage.configs},
            "sources": {str(folder): finished(folder)["date"] for folder in stage.sources},
        }
        if (stage.folder / "run.json").is_file():
            refuse_changed(stage.folder, wanted)
            print(f"finished  {stage.folder}", flush=True)
            return
        started = time.perf_counter()
        begun = begin(stage.folder, wanted)
        if stage.candidates:
            choose(stage)
        else:
            print(f"running   {wanted['command']}", flush=True)
            resumed = stage.subcommand == "fit" and (stage.folder / "last.ckpt").is_file()
            run([*words, *(["--ckpt_path", "last"] if resumed else [])], stage.folder, lock)
        seconds = time.perf_counter() - started
        record = {
            **{"arm": stage.arm, "stage": stage.name, "subcommand": stage.subcommand, **stage.cell},
            **begun,
            "seconds": round(seconds, 1),
            "config": config_hash(stage),
            **trained(stage),
            "date": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        write(stage.folder / "run.json", record)
        print(f"done      {stage.folder} in {seconds:.0f} s", flush=True)

"""Runs the stages of a sweep file, each in a process and a folder of its own.

    emolit sweep demo --dry-run
    emolit sweep demo --jobs 2
    emolit sweep demo --only grpo -- --data.init_args.root PARENT

Finished stages are skipped, so that a sweep which was stopped goes on where it was; several sweeps
may run at once below one root. docs/experiments.md says how sweeps are written.
"""

import argparse
import shlex
import sys
from pathlib import Path

from emolit.commands.shipped import find
from emolit.commands.sweep.engine import Engine, unfinished
from emolit.commands.sweep.plan import Stage, Sweep, read
from emolit.commands.sweep.words import command
from emolit.errors import ConfigError


def main(arguments: list[str]) -> int:
    """Run or print a sweep; return 1 if a stage has failed."""
    parser = argparse.ArgumentParser(prog="emolit sweep", description=__doc__.splitlines()[0])
    parser.add_argument("sweep", help="a file, or the name of a shipped one, such as demo")
    parser.add_argument("--only", nargs="+", metavar="ARM", help="these arms and their starts")
    parser.add_argument("--root", type=Path, help="folder of all stages, in place of the file's")
    parser.add_argument("--seeds", type=int, nargs="+", help="in place of the file's")
    parser.add_argument("--dry-run", action="store_true", help="print the commands")
    parser.add_argument("--jobs", type=int, default=1, help="stages at once, at most; default 1")
    parser.add_argument("--executor", help="of Snakemake, such as slurm; default this machine")
    parser.add_argument("--profile", type=Path, help="folder of Snakemake's settings")
    parser.epilog = "What stands after -- are options of every stage."
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given, extra = parser.parse_args(arguments[:end]), tuple(arguments[end + 1 :])
    if given.jobs < 1:
        parser.error(f"--jobs is {given.jobs}, but at least 1 stage runs at a time.")
    try:
        sweep = read(Path(find(given.sweep, "sweeps")), given.root, given.seeds)
        stages = select_stages(sweep, given.only)
        if given.dry_run:
            print(*(shlex.join(command(stage, extra)) for stage in stages), sep="\n")
            return 0
        left = unfinished(stages, extra)
        engine = Engine(given.jobs, given.executor, given.profile)
        failed = engine.run(left, extra, sweep.root) if left else []
    except ConfigError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 1 if failed else 0


def select_stages(sweep: Sweep, arms: list[str] | None) -> list[Stage]:
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
            wanted.update(stage.needs)
    return [stage for stage in sweep.stages.values() if stage.folder in wanted]

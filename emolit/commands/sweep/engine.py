"""Hands the stages of a sweep to Snakemake, which decides what runs when and where.

It knows a stage as a rule: the marks of the stages before it, its own mark, and the command of
`emolit.commands.sweep.job`. Marks last as long as the call. What is finished says the stage's own
``run.json``; were that the output of a rule, Snakemake would delete it before it runs the rule.
"""

import contextlib
import importlib.util
import os
import pickle
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from emolit.commands.sweep.plan import Stage
from emolit.commands.sweep.stage import changes
from emolit.commands.sweep.words import expected
from emolit.errors import ConfigError

RULE = """
rule:
    name: {name!r}
    input: {needs!r}
    output: touch({mark!r})
    priority: {priority}
    shell: {command!r}
"""
THREADS = (
    *(f"{name}_NUM_THREADS" for name in ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")),
    "VECLIB_MAXIMUM_THREADS",
)
"""What Snakemake sets to 1, or to the ``threads`` of a rule."""


def unfinished(stages: list[Stage], extra: tuple[str, ...]) -> list[Stage]:
    """Return the stages that are not finished, and those after them, which their jobs look at.

    One that is finished, but was something else, is left too: its job refuses it.
    """
    left: dict[Path, Stage] = {}
    for stage in stages:
        done = (stage.folder / "run.json").is_file() and not left.keys() & {*stage.needs}
        if done and not changes(stage.folder, expected(stage, extra)):
            print(f"finished  {stage.folder}", flush=True)
        else:
            left[stage.folder] = stage
    return list(left.values())


@dataclass(frozen=True)
class Engine:
    """Snakemake, and how it is called.

    Attributes:
        jobs: Stages at once, at most.
        executor: Where they run, by the name of Snakemake's plug-in; none is this machine.
        profile: Folder of further settings of Snakemake.
    """

    jobs: int = 1
    executor: str | None = None
    profile: Path | None = None

    @property
    def here(self) -> bool:
        """Whether the stages run on this machine and print where the sweep prints."""
        return self.executor is None and self.profile is None

    def run(self, stages: list[Stage], extra: tuple[str, ...], root: Path) -> list[Path]:
        """Run stages, and return the folders of those that have failed or were not tried.

        Raises:
            ConfigError: Snakemake or the executor is not installed, or the root was removed.
        """
        if importlib.util.find_spec("snakemake") is None:
            raise ConfigError("A sweep is run by Snakemake: pip install 'emolit[sweep]'.")
        if self.executor and importlib.util.find_spec(plugin(self.executor)) is None:
            raise ConfigError(
                f"Snakemake has no executor {self.executor!r} here: "
                f"pip install {plugin(self.executor).replace('_', '-')}."
            )
        from snakemake.cli import main  # takes seconds

        root.mkdir(parents=True, exist_ok=True)
        here = Path.cwd()
        with tempfile.TemporaryDirectory(prefix=".sweep-", dir=root.resolve()) as name:
            place = Path(name)
            (place / "stages.pickle").write_bytes(pickle.dumps((stages, extra)))
            (place / "Snakefile").write_text(rules(stages, place), encoding="utf-8")
            with contextlib.suppress(SystemExit):  # the marks say more than its status
                try:
                    main(self.options(place))
                except FileNotFoundError:
                    if (place / "Snakefile").is_file():
                        raise
            if not (place / "Snakefile").is_file():  # Snakemake makes the folder of its log anew
                os.chdir(here)
                raise ConfigError(f"{root} was removed while the sweep ran; start the sweep anew.")
            return self.failed(stages, place)

    def options(self, place: Path) -> list[str]:
        """Return the words of Snakemake's command line."""
        words = ["--snakefile", str(place / "Snakefile"), "--directory", str(place)]
        words += ["--cores", str(self.jobs), "--jobs", str(self.jobs)]
        words += ["--keep-going", "--nolock", "--scheduler", "greedy"]
        words += ["--quiet", "all"] if self.here else []
        words += ["--executor", self.executor] if self.executor else []
        words += ["--profile", str(self.profile.resolve())] if self.profile else []
        return words

    def failed(self, stages: list[Stage], place: Path) -> list[Path]:
        """Return the folders of the stages without a mark, and say why where nobody has."""
        failed: list[Path] = []
        for number, stage in enumerate(stages):
            if (place / f"{number}.done").is_file():
                continue
            before = [folder for folder in stage.needs if folder in failed]
            said = place / f"{number}.failed"
            if before:
                print(f"not done  {stage.folder}: {before[0]} has failed.", flush=True)
            elif not said.is_file():
                print(f"not done  {stage.folder}: its job was ended, or never began.", flush=True)
            elif not self.here:
                print(f"not done  {stage.folder}: {said.read_text('utf-8')}", flush=True)
            failed.append(stage.folder)
        return failed


def plugin(executor: str) -> str:
    """Return the module of an executor of Snakemake.

    Example:
        >>> plugin("cluster-generic")
        'snakemake_executor_plugin_cluster_generic'
    """
    return f"snakemake_executor_plugin_{executor.replace('-', '_')}"


def rules(stages: list[Stage], place: Path) -> str:
    """Return the Snakefile: all stages, the first ones first where several could run."""
    marks = {stage.folder: f"{number}.done" for number, stage in enumerate(stages)}
    text = f"localrules: all\nrule all:\n    input: {list(marks.values())!r}\n"
    for number, stage in enumerate(stages):
        text += RULE.format(
            name=f"{stage.subcommand}_{number}",
            needs=[marks[folder] for folder in stage.needs if folder in marks],
            mark=marks[stage.folder],
            priority=len(stages) - number,
            command=job(place / "stages.pickle", number).replace("{", "{{").replace("}", "}}"),
        )
    return text


def job(stages: Path, number: int) -> str:
    """Return the line of a shell that runs a stage here, with as many threads as are set here."""
    words = ["env", *(f"-u{name}" for name in THREADS if name not in os.environ)]
    words += [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    words += [sys.executable, "-P", "-m", "emolit.commands.sweep.job", str(stages), str(number)]
    return f"cd {shlex.quote(str(Path.cwd()))} && exec {shlex.join(words)}"

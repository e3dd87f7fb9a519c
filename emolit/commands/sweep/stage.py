"""The folder of a stage: its lock, its process, and what is on record of it."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import emolit
from emolit.commands.sweep.plan import Stage
from emolit.errors import ConfigError
from emolit.files.atomic import write_atomically

CODE = ("emolit", "configs", "tools")
"""What makes a commit dirty when it differs; docs and results do not."""
TAIL = 15
"""Lines of a failed stage's output that are shown."""


@contextlib.contextmanager
def stage_lock(folder: Path) -> Iterator[int]:
    """Hold the lock of a stage, waiting for a sweep that has it.

    The kernel gives it up when this process and the stage's have both ended, however they end: a
    lock is never stale, and a stage that outlives its sweep keeps it.
    """
    with (folder / "lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting   {folder}: another sweep is running it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def begin(folder: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what is recorded of a stage, of its earlier part too if it can be resumed.

    The beginnings of another command are thrown away: a folder holds one run.
    """
    path, begun = folder / "begun.json", {**wanted, "commit": commit()}
    if path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if all(earlier[key] == wanted[key] for key in wanted) and (folder / "last.ckpt").is_file():
            commits = dict.fromkeys([*earlier["commit"].split("+"), begun["commit"]])
            begun |= {"commit": "+".join(commits)}
        else:
            empty(folder)
    write(path, begun)
    return begun


def run(words: list[str], folder: Path, lock: int) -> None:
    """Run a subcommand in a process of its own, its output in ``output.txt``.

    Raises:
        ConfigError: It has failed; the message holds the end of its output.
    """
    output = folder / "output.txt"
    with output.open("a", encoding="utf-8") as file:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            stdout=file,
            stderr=subprocess.STDOUT,
            pass_fds=[lock],
            check=False,
        )
    if done.returncode:
        tail = output.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]
        raise ConfigError(
            f"it ended with status {done.returncode}; see {output}, which ends\n"
            + "\n".join(f"    {line}" for line in tail)
        )


def choose(stage: Stage) -> None:
    """Let the best of the candidates by validation score stand for the stage, as links.

    Raises:
        ConfigError: One has no validation score.
    """
    folders = [candidate.folder for candidate in stage.candidates]
    scores = {folder.name: best_score(folder) for folder in folders}
    better = min if fit_report(folders[0]).get("mode") == "min" else max
    best = better(scores, key=lambda name: scores[name])
    write(stage.folder / "choice.json", scores)
    for name in ("best", "fit.json"):
        link = stage.folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(Path("..") / best / name)


def best_score(folder: Path) -> float:
    """Return the best validation score of a training run.

    Raises:
        ConfigError: It never came to one.
    """
    score: float | None = fit_report(folder)["best_score"]
    if score is None:
        raise ConfigError(
            f"{folder} has no validation score: it ended before the first validation, or no "
            "checkpoint callback monitors one; set trainer.val_check_interval or `monitor`."
        )
    return score


def wall_time(folder: Path) -> str:
    """Return how long a finished stage has trained, as ``trainer.max_time`` takes it."""
    if not (folder / "run.json").is_file():
        return f"<wall time of {folder}>"
    seconds = max(1, round(fit_report(folder)["seconds"]))
    days, rest = divmod(seconds, 86_400)
    return f"{days:02d}:{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def fit_report(folder: Path) -> dict[str, Any]:
    """Return what a training run says about itself.

    Raises:
        ConfigError: It has no such file.
    """
    path = folder / "fit.json"
    if not path.is_file():
        raise ConfigError(f"There is no {path}; add the callback FitReport to its experiment.")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return report


def read_finished(folder: Path) -> dict[str, Any]:
    """Return what is on record of a finished stage."""
    record: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return record


def changes(folder: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what is on record of a finished stage where it is not what the sweep says now."""
    record = read_finished(folder)
    return {key: record[key] for key in wanted if record[key] != wanted[key]}


def refuse_changed(folder: Path, wanted: dict[str, Any]) -> None:
    """Refuse to take a finished stage for what the sweep says now, if it was something else.

    Raises:
        ConfigError: Command, config files or starts have changed.
    """
    for key, was in changes(folder, wanted).items():
        raise ConfigError(
            f"it is finished, but its {key} was\n    {was}\nand is now\n    {wanted[key]}\n"
            f"Delete {folder} to run it anew, or give the sweep another root."
        )


def commit() -> str:
    """Return the commit of the code, or its release; ``-dirty`` where the code is another."""
    home = Path(__file__).parents[3]
    if not (home / ".git").exists():
        return f"emolit {emolit.__version__}"
    if shutil.which("git") is None:
        return "unknown"

    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=home, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    found = git("rev-parse", "HEAD")
    dirty = "-dirty" if git("status", "--porcelain", "--", *CODE) else ""
    return found + dirty if found else "unknown"


def config_hash(stage: Stage) -> str:
    """Keep the config that the run has saved as ``config.yaml`` and return its hash.

    The hash is the beginning of ``sha256sum config.yaml``; that of a choice is the chosen one's.

    Raises:
        ConfigError: The run has saved none.
    """
    if stage.candidates:
        return str(read_finished((stage.folder / "best").resolve().parent)["config"])
    saved = sorted(stage.folder.rglob("config.yaml"), key=lambda path: path.stat().st_mtime)
    if not saved:
        raise ConfigError(f"{stage.folder} holds no config.yaml; let the run save its config.")
    content = saved[-1].read_bytes()
    (stage.folder / "config.yaml").write_bytes(content)
    return hashlib.sha256(content).hexdigest()[:12]


def training_record(stage: Stage) -> dict[str, str | None]:
    """Return config and command of the training that a stage starts from."""
    if stage.start is None:
        return {"trained_config": None, "trained_command": None}
    best = (stage.start / "best").resolve()  # a choice links to the chosen one
    start = read_finished(best.parent)
    return {"trained_config": start["config"], "trained_command": start["command"]}


def digest(path: Path) -> str:
    """Return a hash of what a config file says, comments and layout aside."""
    said = json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def write(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON file whole or not at all."""
    with write_atomically(path) as file:
        file.write(json.dumps(record, indent=2) + "\n")


def relative(path: Path) -> Path:
    """Return a path as one would type it here."""
    here = Path.cwd()
    whole = path.resolve()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def empty(folder: Path) -> None:
    """Remove what an unfinished stage has left, but the lock that is held."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "lock":
            path.unlink()

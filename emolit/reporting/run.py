"""What a run has left in its folder: its configs, its scores, its answers.

Nothing is computed. What a run did not write is None here, and whoever shows it says so.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from emolit.engine.weights.record import Record, read_record
from emolit.errors import ConfigError

STAGES = ("fit", "validate", "test", "predict")
"""Subcommands that leave a folder."""
NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Run:
    """The folder of a run.

    Attributes:
        folder: Its ``default_root_dir``.
    """

    folder: Path

    @cached_property
    def configs(self) -> list[dict[str, Any]]:
        """All configs that Lightning has saved, of every subcommand, the newest last."""
        found = left_by_loggers(self.folder, "config.yaml")
        read = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(found, key=by_number)]
        return [config for config in read if isinstance(config, dict) and "model" in config]

    @property
    def trained(self) -> dict[str, Any] | None:
        """The config of the newest ``fit``; None where nothing was trained here."""
        return next((each for each in reversed(self.configs) if is_fit(each)), None)

    @property
    def tested(self) -> dict[str, Any] | None:
        """The config of the newest ``test``; None where nothing was tested here."""
        return next((each for each in reversed(self.configs) if "verbose" in each), None)

    @property
    def fit(self) -> dict[str, Any] | None:
        """Seconds, steps and best score of the training; None without `FitReport`."""
        return read_json(self.folder / "fit.json")

    @property
    def scores(self) -> dict[str, Any] | None:
        """What the test has found; None without one."""
        return read_json(self.folder / "test" / "scores.json")

    @property
    def weights(self) -> Path | None:
        """The folder of weights that this run keeps: the best, else the last; None without one."""
        kept = (self.folder / name for name in ("best", "last"))
        return next((path for path in kept if path.is_dir()), None)

    @property
    def record(self) -> Record | None:
        """What these weights say of the question that they have learned; None without them."""
        return None if self.weights is None else read_record(self.weights)

    @property
    def start(self) -> str | None:
        """What the training started from: a folder or a hub id; None for new weights."""
        return None if self.trained is None else argument(policy_node(self.trained), "checkpoint")

    def predictions(self, corpus: str) -> list[dict[str, Any]]:
        """Return what the test answered to the clips of a corpus; nothing without a file."""
        path = self.folder / "test" / f"predictions-{corpus}.jsonl"
        if not path.is_file():
            return []
        lines = path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines if line]


def left_by_loggers(folder: Path, name: str) -> list[Path]:
    """Return the files of a name, or pattern, where the loggers of a run write.

    Runs of emolit write to a folder for each subcommand, other loggers of Lightning to one for each
    start below ``lightning_logs``. Runs that lie deeper are others.
    """
    places = ["", *(f"{stage}/" for stage in STAGES), "lightning_logs/*/"]
    return [path for place in places for path in folder.glob(f"{place}{name}")]


def by_number(path: Path) -> tuple[int, float]:
    """Return what sorts the files of a run: the number of their version, then their age."""
    found = NUMBER.findall(path.parent.name)
    return int(found[-1]) if found else -1, path.stat().st_mtime


def is_fit(config: dict[str, Any]) -> bool:
    """Tell whether a saved config is of a ``fit``; others say how they print or predict."""
    return "verbose" not in config and "return_predictions" not in config


def read_json(path: Path) -> dict[str, Any] | None:
    """Return what a JSON file holds; None where it is not there.

    Raises:
        ConfigError: It is damaged.
    """
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON ({error}); run what wrote it again.") from error
    return found


def argument(node: Any, name: str) -> Any:
    """Return an argument of a class in a config; None where either is missing."""
    return ((node or {}).get("init_args") or {}).get(name) if isinstance(node, dict) else None


def policy_node(config: dict[str, Any]) -> Any:
    """Return the node of the policy in a config."""
    return argument(config["model"], "policy")


def trainings(checkpoint: Path) -> list[Run]:
    """Return the runs that made some weights, the oldest first: each started from the one before.

    Args:
        checkpoint: A folder of weights inside the folder of its run.
    """
    found: list[Run] = []
    at = checkpoint
    while at.is_dir() and (run := Run(at.parent)).trained and run not in found:
        found.append(run)
        at = Path(run.start or "/")
    return found[::-1]


def corpora_of(config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the nodes of the corpora in a config: the members of a mixture, or the one."""
    members = argument(config.get("data"), "corpora")
    yield from (config["data"],) if members is None else members


def is_local(checkpoint: str) -> bool:
    """Tell whether a checkpoint is a folder of this machine; a hub id has one slash at most.

    Example:
        >>> is_local("Qwen/Qwen2-Audio-7B-Instruct"), is_local("runs/sft/best")
        (False, True)
    """
    path = Path(checkpoint)
    named = path.is_absolute() or checkpoint.startswith(".") or len(path.parts) > 2
    return named or path.is_dir()

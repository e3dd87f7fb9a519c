"""A run's folder: what lies there is not replaced without a word."""

import json
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.callbacks.adapter_checkpoint import AdapterCheckpoint
from emolit.callbacks.base import rehearsal
from emolit.callbacks.fit_report import FILE, FitReport
from emolit.callbacks.incident import FOLDER as INCIDENT
from emolit.callbacks.prediction_writer import PredictionWriter
from emolit.callbacks.report import Report
from emolit.compat.lightning import callbacks_of, first_process
from emolit.engine.weights.selection import selection_of, selection_text
from emolit.errors import ConfigError
from emolit.files.folder_lock import hold, release
from emolit.files.replacing import backup_of
from emolit.reporting.run import STAGES

ELSEWHERE = "To keep it, give another `--trainer.default_root_dir`; to replace it, add "
ELSEWHERE += "`--overwrite true`."


class RunFolder(Callback):
    """Refuses a ``fit``, ``test`` or ``predict`` that would replace what an earlier one has left.

    It also refuses a ``fit`` into a folder where another process is training
    (`emolit.files.folder_lock`).

    The command ``emolit`` adds it to every run. A ``fit`` that goes on with a checkpoint of its own
    folder replaces nothing. A ``fit`` that may overwrite first removes the earlier run once its own
    model and data stand: checkpoints, ``fit.json``, curves, scores and predictions.

    Args:
        overwrite: Whether the earlier one may be replaced.
    """

    def __init__(self, overwrite: bool = False) -> None:
        self.overwrite = overwrite
        self._earlier: list[Path] = []
        self._was_free = False

    def check_results(self, trainer: Trainer, stage: str, corpora: tuple[str, ...]) -> None:
        """Look into the folder before a ``test`` or ``predict``.

        Args:
            trainer: With the callbacks that write.
            stage: ``test`` or ``predict``.
            corpora: Names of those that are heard.

        Raises:
            ConfigError: Something would be replaced.
        """
        if not first_process() or rehearsal(trainer) or self.overwrite:
            return
        found = list(results(trainer, stage, corpora))
        if found:
            folder = Path(trainer.default_root_dir) / stage
            raise ConfigError(f"{folder} holds {list_names(found)} already. {ELSEWHERE}")

    def check_run(self, trainer: Trainer, start: str | None, ckpt_path: str | None) -> None:
        """Look into the folder before a ``fit``, in the first process, before others are started.

        Args:
            trainer: With the callbacks that write.
            start: What the policy starts from.
            ckpt_path: What the run goes on with.

        Raises:
            ConfigError: Something would be replaced.
        """
        root = Path(trainer.default_root_dir)
        found = list(products(trainer))
        self._was_free = not found and not self.overwrite
        if (
            not first_process()
            or rehearsal(trainer)
            or not found
            or resumes(root, found, ckpt_path)
        ):
            return
        if not self.overwrite:
            raise ConfigError(
                f"{root} holds a run already: {describe_run(trainer, found)}. "
                f"{how_to_resume(found)}{ELSEWHERE}"
            )
        if start and Path(start).resolve() in [path.resolve() for path in found]:
            raise ConfigError(
                f"The policy starts from {start!r}, which `--overwrite true` would remove; set "
                "another `trainer.default_root_dir`."
            )
        left = [path for name in STAGES for path in results_of(root / name)]
        config = root / "fit" / "config.yaml"  # the new run's own by the time
        left += [root / INCIDENT] if (root / INCIDENT).is_dir() else []
        self._earlier = [*found, *(path for path in left if path != config)]

    @override
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the folder from other runs; remove the earlier one that is to be replaced.

        Raises:
            ConfigError: Another process trains into it, or has while this one began.
        """
        if trainer.is_global_zero and not rehearsal(trainer):
            holder = hold(Path(trainer.default_root_dir))
            if holder is not None:
                raise ConfigError(
                    f"{trainer.default_root_dir} is the folder of a run that is going on, "
                    f"{holder}; give another `--trainer.default_root_dir`, or wait for its end."
                )
            found = list(products(trainer)) if self._was_free else []
            if found:  # another run has come and gone while this one began
                release(Path(trainer.default_root_dir))
                raise ConfigError(
                    f"{trainer.default_root_dir} holds a run by now: "
                    f"{describe_run(trainer, found)}. {ELSEWHERE}"
                )
            self._was_free = False
        for path in self._earlier if trainer.is_global_zero else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        self._earlier = []

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Let others have the folder."""
        release(Path(trainer.default_root_dir))

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Let others have the folder."""
        release(Path(trainer.default_root_dir))


def how_to_resume(found: list[Path]) -> str:
    """Return how to go on with a run, as a sentence; nothing where it left no checkpoint.

    Example:
        >>> how_to_resume([Path("run/best"), Path("run/best.ckpt")])
        'To go on with it, add `--ckpt_path run/best.ckpt`. '
        >>> how_to_resume([Path("run/best.ckpt"), Path("run/last.ckpt")])
        'To go on with it, add `--ckpt_path last`. '
    """
    kept = [path for path in found if path.suffix == ".ckpt"]
    if not kept:
        return ""
    last = any(path.name == "last.ckpt" for path in kept)
    return f"To go on with it, add `--ckpt_path {'last' if last else shlex.quote(str(kept[0]))}`. "


def resumes(root: Path, found: list[Path], ckpt_path: str | None) -> bool:
    """Tell whether a run goes on with a checkpoint that lies beside what it would replace."""
    if ckpt_path is None:  # Lightning goes on by itself with what a requeued SLURM job has left
        return any(root.glob("hpc_ckpt_*.ckpt"))
    homes = {path.resolve() for path in (root, *(path.parent for path in found))}
    return ckpt_path in ("last", "hpc") or Path(ckpt_path).resolve().parent in homes


def products(trainer: Trainer) -> Iterator[Path]:
    """Yield what a ``fit`` of these callbacks would replace."""
    root = Path(trainer.default_root_dir)
    for callback in callbacks_of(trainer):
        if isinstance(callback, AdapterCheckpoint):
            target = Path(callback.dirpath or root) / str(callback.filename)
            paths = (target, target.with_name(f"{target.name}.ckpt"), backup_of(target))
            yield from (path for path in paths if path.exists() or path.is_symlink())
        elif isinstance(callback, FitReport) and (root / FILE).exists():
            yield root / FILE


def results(trainer: Trainer, stage: str, corpora: tuple[str, ...]) -> Iterator[Path]:
    """Yield what a ``test`` or ``predict`` of these callbacks would replace."""
    folder = Path(trainer.default_root_dir) / stage
    for callback in callbacks_of(trainer):
        wanted: list[Path] = []
        if isinstance(callback, Report) and stage == "test":
            wanted = [folder / "scores.json"]
        elif isinstance(callback, PredictionWriter):
            wanted = [folder / f"predictions-{name}.jsonl" for name in corpora]
        yield from (path for path in wanted if path.exists())


def results_of(folder: Path) -> list[Path]:
    """Return the config, all curves, scores and predictions of a stage's folder."""
    curves = ("config.yaml", "hparams.yaml", "events.out.tfevents.*")
    wanted = (*curves, "recall.csv", "scores.json", "predictions-*.jsonl")
    return [path for pattern in wanted for path in folder.glob(pattern)]


def list_names(paths: list[Path]) -> str:
    """Return the names of files and folders."""
    return ", ".join(f"{path.name}/" if path.is_dir() else path.name for path in paths)


def describe_run(trainer: Trainer, paths: list[Path]) -> str:
    """Return the names of what a run has left, with its best score and its steps."""
    words = [list_names(paths)]
    for callback in callbacks_of(trainer):
        if isinstance(callback, AdapterCheckpoint):
            folder = Path(callback.dirpath or trainer.default_root_dir) / str(callback.filename)
            if (selection := selection_of(folder)) is not None:
                words.append(f"{folder.name} is of {selection_text(selection)}")
    report = Path(trainer.default_root_dir) / FILE
    if report in paths:
        found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        words.append(f"{found['steps']} steps are done")
    return "; ".join(words)

"""What is left of a step whose numbers are NaN or infinite: enough to run it again."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.callbacks.adapter_checkpoint import AdapterCheckpoint
from emolit.callbacks.base import rehearsal
from emolit.compat.lightning import batch_index
from emolit.engine.weights.finite import broken_weights
from emolit.errors import NonFiniteError
from emolit.files.atomic import write_atomically
from emolit.seed import run_seed
from emolit.types import Batch, Clip

FOLDER = "incident"
"""Below a run's folder."""
START = "start.ckpt"
"""The state before the step, where it could be kept."""


class Incident(Callback):
    """Keeps a step of a ``fit`` that ended in a `NonFiniteError`, in ``<run folder>/incident``.

    ``rank<r>.json`` says what happened: error, step, epoch, batch, seed, the clips since the last
    optimizer step, the weights that are broken, and the command that runs the step again.
    ``config.yaml`` holds the settings of the run. ``start.ckpt`` is the state before the step.
    Where several processes train, which could not save it together any more, or where the weights
    are broken already, the command begins at ``last.ckpt`` instead, or at the start of the run. It
    then comes to the same step, since a run that resumes is exact.

    The command ``emolit`` adds it to every run. The folder and the command are notes of the error.
    """

    def __init__(self) -> None:
        self._step = -1
        self._trained: list[Clip] = []
        self._heard: list[Clip] = []

    @override
    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Note the clips; those of an accumulation window make one gradient."""
        if self._step != trainer.global_step:
            self._step, self._trained = trainer.global_step, []
        self._trained += clips_of(batch)

    @override
    def on_validation_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Note the clips."""
        self._heard = clips_of(batch)

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Write the folder, and add to the error where it is."""
        fitting = trainer.state.fn == "fit" and not rehearsal(trainer)
        if not fitting or not isinstance(exception, NonFiniteError):
            return
        folder = Path(trainer.default_root_dir) / FOLDER
        try:
            command = self._write(trainer, pl_module, folder, str(exception))
        except OSError as error:
            exception.add_note(f"The step could not be kept in {folder}: {error}.")
            return
        exception.add_note(f"The step is kept in {folder}. To run it again: {command}")

    def _write(self, trainer: Trainer, task: LightningModule, folder: Path, said: str) -> str:
        """Write the folder and return the command."""
        alone = trainer.world_size == 1
        broken = broken_weights(task) if alone else None  # asking may need the other processes
        folder.mkdir(parents=True, exist_ok=True)
        start = last_checkpoint(trainer)
        if alone and not broken:
            start = folder / START
            trainer.save_checkpoint(start)
        config = Path(trainer.default_root_dir) / "fit" / "config.yaml"
        if config.is_file():
            config = Path(shutil.copy(config, folder))
        command = replay(config if config.is_file() else Path("EXPERIMENT.yaml"), folder, start)
        validating = bool(trainer.validating or trainer.sanity_checking)
        clips = self._heard if validating else self._trained
        record = {
            "error": said,
            "step": trainer.global_step,
            "epoch": trainer.current_epoch,
            "batch": None if validating else batch_index(trainer),
            "rank": trainer.global_rank,
            "seed": run_seed(),
            "broken_weights": broken,
            "clips": [{"corpus": each.corpus, "id": each.id, "path": each.path} for each in clips],
            "checkpoint": None if start is None else str(start),
            "command": command,
        }
        with write_atomically(folder / f"rank{trainer.global_rank}.json") as file:
            json.dump(record, file, indent=2, ensure_ascii=False)
        return command


def clips_of(batch: Any) -> list[Clip]:
    """Return the clips of a batch; none where the loader is not one of emolit's."""
    return [*batch.clips] if isinstance(batch, Batch) else []


def last_checkpoint(trainer: Trainer) -> Path | None:
    """Return the newest checkpoint of a run: its own, or the one that it resumed from."""
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, AdapterCheckpoint) and callback.monitor is None:
            path = callback.target.with_name(f"{callback.filename}.ckpt")
            if path.exists():
                return path
    return None if trainer.ckpt_path is None else Path(trainer.ckpt_path)


def replay(config: Path, folder: Path, start: Path | None) -> str:
    """Return the command that runs a step again, in a folder of its own.

    Args:
        config: The settings.
        folder: Of the incident.
        start: The checkpoint that the command begins at; None is the start of the run.

    Example:
        >>> replay(Path("i/config.yaml"), Path("i"), None)
        'emolit fit --config i/config.yaml --trainer.default_root_dir i/replay'
    """
    words = ["emolit", "fit", "--config", config, "--trainer.default_root_dir", folder / "replay"]
    words += [] if start is None else ["--ckpt_path", start]
    return shlex.join(map(str, words))

"""Checkpoints: Lightning's own file, and beside it a folder of weights that others can open.

``<name>.ckpt`` holds the weights that train, the optimizer and the loops; ``<name>/`` is a peft
folder for adapters or an ordinary Hugging Face folder for full training, safetensors only. Both are
written beside and then renamed, so that a full disk or a kill leaves the last good one. In the
folder ``selection.json`` says what chose these weights: ``monitor``, ``mode``, ``score`` (null
where nothing was monitored) and ``step``; ``emolit.json`` says what they have learned to answer.
"""

import json
import math
import shutil
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import distributed

from emolit.callbacks.base import rehearsal
from emolit.compat.lightning import (
    CheckpointHooks,
    accumulates,
    callbacks_of,
)
from emolit.compat.lightning_parts import parts_written_by, reads_parts, saves_in_parts
from emolit.engine.weights.finite import broken_weights
from emolit.engine.weights.parts import start_writing
from emolit.engine.weights.record import FILE, record_of_run, render_record
from emolit.engine.weights.selection import SELECTION, selection_of
from emolit.errors import ConfigError, NonFiniteError
from emolit.files.checkpoint_file import check_checkpoint_file
from emolit.files.modes import apply_umask
from emolit.files.replacing import backup_of, remove_path, replace_path

OURS = ("config.json", "adapter_config.json")
"""A folder of weights has one of them."""


class AdapterCheckpoint(CheckpointHooks):
    """Lightning's ModelCheckpoint, with weights beside and atomic writes.

    Use two of them: one with ``monitor`` keeps the best by a validation score, one without keeps
    the last every so many steps, for ``--ckpt_path last``.

    Inside an accumulation window the file says where the window began, since its gradients are in
    no file (see `emolit.tasks.resume_point`).

    Args:
        filename: Name of the file and of the folder.
        monitor: A logged score, such as ``val/synthetic/UA``; None keeps the newest.
        mode: Whether the best is the highest or the lowest.
        every_n_train_steps: Save every so many optimizer steps.
        dirpath: Folder; None takes the trainer's ``default_root_dir``.
        asynchronous: Write a checkpoint in parts (``save_distributed_checkpoint: true``) while
            training goes on. It stands in its place once it is whole; the next one, and the end,
            wait for it. Takes the parts' memory on the host.
    """

    def __init__(
        self,
        filename: str = "last",
        monitor: str | None = None,
        mode: Literal["min", "max"] = "max",
        every_n_train_steps: int | None = None,
        dirpath: str | None = None,
        asynchronous: bool = False,
    ) -> None:
        super().__init__(
            dirpath=dirpath,
            filename=filename,
            monitor=monitor,
            mode=mode,
            save_top_k=1,
            auto_insert_metric_name=False,
            every_n_train_steps=every_n_train_steps,
            save_on_train_epoch_end=False if monitor else None,  # right after each validation
            enable_version_counter=False,
        )

        self.asynchronous = asynchronous
        self._group: Any = None
        self._written: Future[Any] | None = None
        self._put: Callable[[], None] | None = None
        self.expect_start()  # it may be the best

    @property
    def target(self) -> Path:
        """The folder of weights; the file stands beside it."""
        return Path(str(self.dirpath)) / str(self.filename)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Choose the folder, and check that nothing of others would be replaced.

        Raises:
            ConfigError: It would.
        """
        self._choose(trainer)
        super().setup(trainer, pl_module, stage)
        if stage == "fit":
            self._check_target(trainer, pl_module)

    def _check_target(self, trainer: Trainer, task: Any) -> None:
        """Refuse a folder that this run must not replace, and weights that are two.

        Raises:
            ConfigError: There are such.
        """
        for callback in callbacks_of(trainer):
            if isinstance(callback, WeightAveraging):
                raise ConfigError(
                    f"{type(callback).__name__} keeps averaged weights beside the policy: they "
                    f"would be validated and stand in {self.filename}.ckpt, others in the folder "
                    f"{self.filename}/; leave it out of `trainer.callbacks`."
                )
        twins = [
            callback
            for callback in trainer.checkpoint_callbacks
            if isinstance(callback, AdapterCheckpoint) and callback.filename == self.filename
        ]
        if len(twins) > 1:
            raise ConfigError(
                f"Two AdapterCheckpoints write {self.filename!r}; give one another `filename`."
            )
        if self.asynchronous and not saves_in_parts(trainer):
            raise ConfigError(
                "`asynchronous` of AdapterCheckpoint is set, and this run writes no checkpoints in "
                "parts; leave it out, or take `--trainer configs/trainers/fsdp.yaml` with "
                "`--trainer.strategy.init_args.save_distributed_checkpoint true`."
            )
        start = getattr(task.policy, "checkpoint", None)
        if start and Path(start).resolve() == self.target.resolve():
            raise ConfigError(
                f"The policy starts from {start!r}, which this run would replace; set another "
                "`trainer.default_root_dir`."
            )
        if self.target.is_dir() and any(self.target.iterdir()):
            ours = [self.target / name for name in OURS]
            if not any(path.is_file() for path in ours):
                raise ConfigError(
                    f"The folder {self.target} holds something else than a checkpoint and would "
                    "be replaced; move it, or set another `trainer.default_root_dir`."
                )

    def _choose(self, trainer: Trainer) -> None:
        """Choose the place, and put back what a kill between two renames left aside."""
        self.dirpath = self.dirpath or trainer.default_root_dir
        for target in (self.target, self.target.with_name(f"{self.filename}.ckpt")):
            aside = backup_of(target)
            if trainer.is_global_zero and aside.exists() and not target.exists():
                aside.rename(target)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save after optimizer steps only."""
        if not accumulates(trainer):
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the end of training too, whatever the interval."""
        super().on_train_end(trainer, pl_module)
        if rehearsal(trainer):
            return
        if self.monitor is None:
            self.save_now(trainer)
        self.settle()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Let what is being written take its place when the run fails."""
        super().on_exception(trainer, pl_module, exception)
        if self._written is not None and self._written.exception() is None:
            self.settle()

    def find_last(self, trainer: Trainer) -> set[str]:
        """Return what ``--ckpt_path last`` may mean; asked before ``setup``.

        Raises:
            ConfigError: There is none in any folder that the run writes to, or it is not whole.
        """
        found: set[str] = set()
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, AdapterCheckpoint):
                callback._choose(trainer)
                found |= CheckpointHooks.find_last(callback, trainer)
        if not found:
            folder = Path(str(self.dirpath))
            there = ", ".join(sorted(path.name for path in folder.glob("*.ckpt"))) or "none"
            raise ConfigError(
                f"`--ckpt_path last` looks for last.ckpt in {folder}, where it is not; checkpoints "
                f"that are there: {there}. Give the path of one, or leave `--ckpt_path` out for a "
                "new run."
            )
        for path in found:
            check_checkpoint_file(path, reads_parts(trainer))
        return found

    def write(self, trainer: Trainer, filepath: str) -> None:
        """Write the file and the folder beside, then rename both.

        Raises:
            NonFiniteError: The weights are broken; those of before stay.
        """
        target = Path(filepath)
        if broken := broken_weights(trainer.lightning_module):
            raise NonFiniteError(
                f"After step {trainer.global_step} {len(broken)} of the weights that train hold "
                f"NaN or infinity, such as {broken[0]!r}; {target.name} stays what it was. Lower "
                "the learning rate, or set trainer.gradient_clip_val."
            )
        self.settle()
        beside = target.with_name(f".{target.name}.part")
        if trainer.is_global_zero:
            remove_path(beside)
        trainer.strategy.barrier("emolit_checkpoint")
        with parts_written_by(self._start) if self.asynchronous else nullcontext():
            super().write(trainer, str(beside))
        task: Any = trainer.lightning_module
        in_parts = saves_in_parts(trainer) and not task.policy.adapts
        state = None if in_parts else task.policy.gather_weights()
        if state and self.asynchronous:  # training goes on
            state = {name: weight.clone() for name, weight in state.items()}
        if trainer.is_global_zero:
            save = task.policy.save_settings if in_parts else partial(task.policy.save, state=state)
            corpus: Any = getattr(trainer, "datamodule", None)
            record = record_of_run(task, corpus, trainer.callback_metrics)
            texts = {
                SELECTION: json.dumps(self._selection(trainer), indent=2) + "\n",
                FILE: render_record(record),
            }

            def put() -> None:
                _replace_folder(save, target.with_suffix(""), texts)
                replace_path(beside, target)

            self._put = put
        if not self.asynchronous:
            self.settle()

    def _start(self, state: dict[str, Any], folder: Path) -> None:
        """Begin to write parts; in a group of their own, as training talks meanwhile."""
        self._group = self._group or distributed.new_group(backend="gloo")
        self._written = start_writing(state, folder, self._group)

    def settle(self) -> None:
        """Wait for what is being written; file and folder then take their places."""
        written, self._written = self._written, None
        if written is not None:
            written.result()
        put, self._put = self._put, None
        if put is not None:
            put()

    def _selection(self, trainer: Trainer) -> dict[str, Any]:
        """Return what chooses the weights that are being saved."""
        score = math.nan if self.current_score is None else float(self.current_score)
        return {
            "monitor": self.monitor,
            "mode": self.mode if self.monitor else None,
            "score": score if self.monitor and math.isfinite(score) else None,
            "step": trainer.global_step,
        }

    def remove(self, trainer: Trainer, filepath: str) -> None:
        """Remove the file with its folder."""
        super().remove(trainer, filepath)
        if trainer.is_global_zero:
            shutil.rmtree(Path(filepath).with_suffix(""), ignore_errors=True)


def checkpoint_of(trainer: Trainer, task: LightningModule) -> dict[str, Any] | None:
    """Return the checkpoint that was tested and what chose it, None where there is none.

    Weights that this very trainer has trained lie in no checkpoint, unless it was given one.
    """
    start = getattr(getattr(task, "policy", None), "checkpoint", None)
    path = trainer.ckpt_path or (None if trainer.global_step else start)
    return None if path is None else {"path": str(path), "selection": selection_of(path)}


def _replace_folder(save: Callable[[Path], None], target: Path, texts: dict[str, str]) -> None:
    """Write a folder beside, then swap it in."""
    beside = target.with_name(f".{target.name}.part")
    for leftover in (beside, backup_of(target)):
        remove_path(leftover)
    save(beside)
    apply_umask(beside)
    for name, text in texts.items():
        (beside / name).write_text(text, encoding="utf-8")
    replace_path(beside, target)

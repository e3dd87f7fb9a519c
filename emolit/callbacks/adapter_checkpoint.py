"""Checkpoints: Lightning's own file, and beside it a folder of weights that others can open.

``<name>.ckpt`` holds the weights that train, the optimizer and the loops; ``<name>/`` is a peft
folder for adapters or an ordinary Hugging Face folder for full training, safetensors only. Both are
written beside and then renamed, so that a full disk or a kill leaves the last good one.
"""

import shutil
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint


class AdapterCheckpoint(ModelCheckpoint):
    """Lightning's ModelCheckpoint, with weights beside and atomic writes.

    Use two of them: one with ``monitor`` keeps the best by a validation score, one without keeps
    the last every so many steps, for ``--ckpt_path last``.

    Args:
        filename: Name of the file and of the folder.
        monitor: A logged score, such as ``val/synthetic/UA``; None keeps the newest.
        mode: Whether the best is the highest or the lowest.
        every_n_train_steps: Save every so many optimizer steps.
        dirpath: Folder; None takes the trainer's ``default_root_dir``.
    """

    def __init__(
        self,
        filename: str = "last",
        monitor: str | None = None,
        mode: Literal["min", "max"] = "max",
        every_n_train_steps: int | None = None,
        dirpath: str | None = None,
    ) -> None:
        super().__init__(
            dirpath=dirpath,
            filename=filename,
            monitor=monitor,
            mode=mode,
            save_top_k=1,
            auto_insert_metric_name=False,
            every_n_train_steps=every_n_train_steps,
            enable_version_counter=False,
        )

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Choose the folder."""
        self.dirpath = self.dirpath or trainer.default_root_dir
        super().setup(trainer, pl_module, stage)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the end of training too, whatever the interval."""
        super().on_train_end(trainer, pl_module)
        if self.monitor is None and self._last_global_step_saved != trainer.global_step:
            self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))

    def _find_last_checkpoints(self, trainer: Trainer) -> set[str]:
        """Return what ``--ckpt_path last`` may mean; asked before ``setup``."""
        self.dirpath = self.dirpath or trainer.default_root_dir
        return super()._find_last_checkpoints(trainer)

    def _save_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        """Write the file and the folder beside, then rename both."""
        target = Path(filepath)
        beside = target.with_name(f".{target.name}.part")
        super()._save_checkpoint(trainer, str(beside))
        if trainer.is_global_zero:
            _replace_folder(trainer.lightning_module, target.with_suffix(""))
            beside.replace(target)
        self._last_checkpoint_saved = filepath

    def _remove_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        """Remove the file with its folder."""
        super()._remove_checkpoint(trainer, filepath)
        if trainer.is_global_zero:
            shutil.rmtree(Path(filepath).with_suffix(""), ignore_errors=True)


def _replace_folder(task: Any, target: Path) -> None:
    """Write the policy's folder beside, then swap it in."""
    beside, old = target.with_name(f".{target.name}.part"), target.with_name(f".{target.name}.old")
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    task.policy.save(beside)
    if target.exists():
        target.rename(old)
    beside.rename(target)
    shutil.rmtree(old, ignore_errors=True)

"""What emolit relies on of Lightning beyond its promises.

Trainers are `Any` here: Lightning sets much of what stands on them from outside their class.
"""

import signal
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.utilities import rank_zero_only

LOADERS = "combined_loader"
BATCHES = "epoch_loop.batch_progress"
HELD_OUT = "epoch_loop.val_loop.batch_progress"
"""Where the file has the states of the loaders and the counters of the two loops."""


def first_process() -> bool:
    """Tell whether this is the first process, also before a trainer has started the others.

    Relies on the attribute that ``rank_zero_only`` reads its environment into.
    """
    rank: int = getattr(rank_zero_only, "rank")  # noqa: B009  # not in its type
    return rank == 0


def callbacks_of(trainer: Any) -> list[Callback]:
    """Return the callbacks of a run, to read and to change.

    Relies on the list that the trainer's connector sets from outside its class.
    """
    found: list[Callback] = trainer.callbacks
    return found


def rehearses(trainer: Any) -> bool:
    """Tell whether this is a ``fast_dev_run``, which is set from outside the class, too."""
    return bool(trainer.fast_dev_run)


def trainer_of(module: LightningModule) -> Any:
    """Return the trainer that a module is attached to; None where there is none.

    Relies on ``_trainer``: the public ``trainer`` raises instead.
    """
    return module._trainer


def keep_batches(trainer: Any) -> None:
    """Keep Lightning from casting batches.

    Under ``bf16-true`` it takes dataclasses apart, which fails on frozen ones
    (pytorch-lightning #21577), and would round the audio. Relies on ``convert_input`` of the
    precision plugin being what casts them; there is no setting.
    """
    trainer.precision_plugin.convert_input = _as_it_is


def _as_it_is(batch: Any) -> Any:
    return batch


def scales_gradients(trainer: Any) -> bool:
    """Tell whether a scaler leaves out steps that overflow; relies on the plugin's ``scaler``."""
    return getattr(trainer.precision_plugin, "scaler", None) is not None


def gather_state_by(trainer: Any, gather: Callable[[], dict[str, Any]]) -> None:
    """Let a checkpoint hold the weights that a function gathers.

    ``ModelParallelStrategy`` brings all of them together on the first process, frozen ones too.
    Relies on ``lightning_module_state_dict`` being what a checkpoint is made from.
    """
    trainer.strategy.lightning_module_state_dict = gather


def take_over_precision(trainer: Any) -> torch.dtype | None:
    """Return what ``bf16-mixed`` computes in, and keep Lightning from casting; else None.

    Under ``bf16-mixed`` Lightning wraps each step in autocast, without a cache, whatever the
    strategy: every weight would be cast anew for each token. FSDP2 casts a weight as it is
    gathered. Relies on ``autocast_context_manager`` being what a step is wrapped in.
    """
    plugin = trainer.precision_plugin
    mixed = isinstance(plugin, MixedPrecision)
    if not mixed or plugin.scaler is not None:
        return None
    plugin.autocast_context_manager = nullcontext
    return torch.bfloat16


def accumulates(trainer: Any) -> bool:
    """Tell whether the batch that was just trained on made no optimizer step."""
    return bool(trainer.fit_loop._should_accumulate())


def batch_index(trainer: Any) -> int:
    """Return which batch of the epoch is trained on."""
    return int(trainer.fit_loop.batch_idx)


def total_batch_index(trainer: Any) -> int:
    """Return which batch of all epochs was trained on last."""
    return int(trainer.fit_loop.total_batch_idx)


def validation_due(trainer: Any) -> bool:
    """Tell whether Lightning will validate after the batch that has just been trained on.

    Relies on the loop's own rule and on its fetcher of batches.
    """
    loop = trainer.fit_loop
    if loop.epoch_loop.batch_progress.current.ready == 0 or loop._data_fetcher is None:
        return False
    return bool(loop.epoch_loop._should_check_val_fx(loop._data_fetcher))


def run_validation(trainer: Any) -> None:
    """Validate between two training batches, as the loop itself does.

    Relies on the validation loop inside the training loop, and on the counter that dates curves.
    """
    loop = trainer.fit_loop.epoch_loop
    logged = loop._batches_that_stepped
    loop._batches_that_stepped = max(trainer.global_step - 1, 0)
    trainer.validating = True
    loop.val_loop.run()
    trainer.training = True
    loop._batches_that_stepped = logged


def finish_training(trainer: Any) -> None:
    """Do what comes after the last step of a run that was killed before it was done."""
    trainer.fit_loop.on_run_start()
    trainer.fit_loop.on_run_end()


def begin_epoch(trainer: Any) -> None:
    """Let the loop begin an epoch instead of repeating what it was restarted in."""
    trainer.fit_loop.epoch_loop.restarting = False


def end_started(trainer: Any) -> None:
    """End the processes that this one has started as other ranks, whatever they do.

    Relies on the launcher of the strategy, and on its ``kill``; another one has started nothing.
    """
    kill = getattr(trainer.strategy.launcher, "kill", None)
    if kill is not None:
        kill(signal.SIGKILL)


def replace_scheduler(trainer: Any, scheduler: Any) -> None:
    """Put a scheduler in the place of the one that a checkpoint brought."""
    trainer.lr_scheduler_configs[0].scheduler = scheduler


def loader_states(checkpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the states of the training loaders in a checkpoint, to read and to change."""
    found: list[dict[str, Any]] = checkpoint["loops"]["fit_loop"]["state_dict"].get(LOADERS, [])
    return found


def reopen_epoch(checkpoint: dict[str, Any]) -> None:
    """Let a checkpoint not say that its batch is the last of the epoch."""
    checkpoint["loops"]["fit_loop"][BATCHES]["is_last_batch"] = False


def ends_epoch(checkpoint: dict[str, Any]) -> bool:
    """Tell whether a checkpoint was written on the last batch of an epoch."""
    return bool(checkpoint["loops"]["fit_loop"][BATCHES]["is_last_batch"])


def batches_before(checkpoint: dict[str, Any]) -> int:
    """Return how many batches a checkpoint counts in the epochs before its own."""
    progress = checkpoint["loops"]["fit_loop"][BATCHES]
    return int(progress["total"]["ready"] - progress["current"]["ready"])


def batches_in_all(checkpoint: dict[str, Any]) -> int:
    """Return how many batches a checkpoint counts in all."""
    return int(checkpoint["loops"]["fit_loop"][BATCHES]["total"]["ready"])


def set_progress(
    checkpoint: dict[str, Any], epoch: int, batches: int, total: int, stepped: int
) -> None:
    """Set the counters of a checkpoint to a place, whatever hook has written it.

    Relies on the names and the four stages of Lightning's counters: they become what they are right
    after a training batch, or before the first one of an epoch.

    Args:
        checkpoint: Changed in place.
        epoch: Which epoch goes on.
        batches: Batches of it that are done.
        total: Batches that are done in all epochs.
        stepped: Optimizer steps, by which curves are dated.
    """
    loops, inside = checkpoint["loops"]["fit_loop"], int(batches > 0)
    for name in ("total", "current"):
        loops["epoch_progress"][name] = _counts(epoch + inside, epoch)
    loops[BATCHES] = {
        "total": _counts(total, total) | {"completed": total - inside},
        "current": _counts(batches, batches) | {"completed": batches - inside},
        "is_last_batch": False,
    }
    loops[HELD_OUT] = {"total": _counts(0, 0), "current": _counts(0, 0), "is_last_batch": False}
    loops["epoch_loop.state_dict"]["_batches_that_stepped"] = stepped


def _counts(begun: int, over: int) -> dict[str, int]:
    return {"ready": begun, "started": begun, "processed": over, "completed": over}


class CheckpointHooks(ModelCheckpoint):
    """ModelCheckpoint whose steps can be overridden: write, remove, find the last.

    Relies on the private methods of ModelCheckpoint that bear these names, and on the step that it
    has saved last.
    """

    @property
    def state_key(self) -> str:
        """Under which Lightning keeps the state; two may differ by their file names alone."""
        return f"{super().state_key}{{'filename': {self.filename!r}}}"

    @property
    def _legacy_state_key(self) -> Any:
        """As Lightning itself says it, which is how older runs have kept it."""
        return super().state_key

    def expect_start(self) -> None:
        """Let a validation before the first step be saved too."""
        self._last_global_step_saved = -1

    def save_now(self, trainer: Trainer) -> None:
        """Save, unless this step was saved already."""
        if self._last_global_step_saved != trainer.global_step:
            self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))

    def write(self, trainer: Trainer, filepath: str) -> None:
        """Write a checkpoint file."""
        super()._save_checkpoint(trainer, filepath)

    def remove(self, trainer: Trainer, filepath: str) -> None:
        """Remove a checkpoint file."""
        super()._remove_checkpoint(trainer, filepath)

    def find_last(self, trainer: Trainer) -> set[str]:
        """Return what ``--ckpt_path last`` may mean."""
        return super()._find_last_checkpoints(trainer)

    def _save_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        self.write(trainer, filepath)
        self._last_checkpoint_saved = filepath

    def _remove_checkpoint(self, trainer: Trainer, filepath: str) -> None:
        self.remove(trainer, filepath)

    def _find_last_checkpoints(self, trainer: Trainer) -> set[str]:
        return self.find_last(trainer)


class EpochBar(RichProgressBar):
    """RichProgressBar whose words for an epoch can be overridden.

    Relies on the private method that makes them: it counts from 0, and says ``0/-2`` where
    ``max_epochs`` is not set.
    """

    def describe_epoch(self, trainer: Trainer, epoch: int) -> str:
        """Return what stands before the bar; epochs count from 0."""
        return super()._get_train_description(epoch)

    def _get_train_description(self, current_epoch: int) -> str:
        said = self.describe_epoch(self.trainer, current_epoch)
        return said.ljust(len(self.validation_description))

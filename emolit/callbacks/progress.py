"""The progress bar: the reward first, epoch of epochs, and the time that is left."""

import math
import time
from datetime import timedelta
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from typing_extensions import override

from emolit.compat.lightning import EpochBar

SHORT = {"train/tokens_per_second": "tokens/s"}
"""Names that would be too long beside the bar."""
FIRST = "reward"
"""What stands first where there is one."""


class Progress(EpochBar):
    """Lightning's bar of rich, with what a person looks for.

    The command ``emolit`` takes it where a config chooses no bar. Names come without ``train/``.
    ``left`` is the time to the end of training, by the steps of this part of the run, validation
    included; it is missing where nobody knows the end, as where a task steps by itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.started, self.first = time.perf_counter(), 0

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.started, self.first = time.perf_counter(), trainer.global_step
        super().on_train_start(trainer, pl_module)

    @override
    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """Return what stands beside the bar, in this order."""
        found = super().get_metrics(trainer, pl_module)
        found.pop("v_num", None)
        shown = {SHORT.get(name, name.removeprefix("train/")): each for name, each in found.items()}
        reward = {FIRST: shown.pop(FIRST)} if FIRST in shown else {}
        left = time_left(
            time.perf_counter() - self.started,
            trainer.global_step - self.first,
            trainer.estimated_stepping_batches - trainer.global_step
            if pl_module.automatic_optimization
            else math.inf,
        )
        return {**reward, **({} if left is None else {"left": left}), **shown}

    @override
    def describe_epoch(self, trainer: Trainer, epoch: int) -> str:
        """Return which epoch of how many this is, from 1."""
        batches = trainer.num_training_batches / trainer.accumulate_grad_batches
        steps = trainer.estimated_stepping_batches
        if math.isinf(steps) or math.isinf(batches) or not batches:
            return f"Epoch {epoch + 1}"
        return f"Epoch {epoch + 1}/{max(epoch + 1, math.ceil(steps / math.ceil(batches)))}"


def time_left(seconds: float, done: int, to_do: float) -> str | None:
    """Return how long the rest takes, if it goes on as it went.

    Args:
        seconds: How long it took so far.
        done: Steps that were made in this time.
        to_do: Steps that are left.

    Example:
        >>> time_left(90.0, 3, 120)
        '1:00:00'
        >>> time_left(90.0, 0, 120) is time_left(90.0, 3, float("inf")) is None
        True
    """
    if done <= 0 or math.isinf(to_do):
        return None
    return str(timedelta(seconds=round(seconds / done * max(0.0, to_do))))

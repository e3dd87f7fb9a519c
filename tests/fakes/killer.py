"""A process that dies in the middle of training, without a chance to clean up."""

import os
import signal
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Killer(Callback):
    """Send SIGKILL to its own process after so many training batches.

    Args:
        batches: Counted over epochs.
    """

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.batches -= 1
        if self.batches == 0:
            os.kill(os.getpid(), signal.SIGKILL)

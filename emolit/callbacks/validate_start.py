"""Validation before the first step: every curve begins at the start, which may stay the best."""

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.compat.lightning import run_validation


class ValidateStart(Callback):
    """Validates the policy as it was given, so that a run that never improves keeps it.

    A checkpoint callback with ``monitor`` counts this validation like any other. It does not run
    again when training is resumed.
    """

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Run the validation loop once, as the training loop does between two steps."""
        if trainer.global_step == 0 and trainer.limit_val_batches != 0:
            run_validation(trainer)

"""A run that hangs ends, and shows where it hung."""

import faulthandler
import sys
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.errors import ConfigError


class Watchdog(Callback):
    """Ends a run in which no batch has ended for some minutes, with the stacks of all threads.

    Each process watches itself: where one hangs and the others wait for it, each shows where it
    stands. The stacks go to the standard error, below the line ``Timeout (…)!``, and the status is
    1. The clock is `faulthandler`'s, which rings also where a library never gives the interpreter
    back.

    A batch may be of training, validation, test or prediction. A rollout with its rewards is part
    of a batch; a checkpoint is written between two. Choose more than the slowest of them takes.

    Args:
        minutes: How long no batch may end.

    Raises:
        ConfigError: It is not above 0.
    """

    def __init__(self, minutes: float = 30.0) -> None:
        if minutes <= 0:
            raise ConfigError(f"The watchdog has minutes {minutes:g}; choose more than 0.")
        self.minutes = minutes

    def _wind(self, *_: Any, **__: Any) -> None:
        """Let the time begin anew."""
        stderr = sys.__stderr__ or sys.stderr
        faulthandler.dump_traceback_later(60 * self.minutes, exit=True, file=stderr)

    on_train_start = on_validation_start = on_test_start = on_predict_start = _wind
    on_train_batch_end = on_validation_batch_end = _wind
    on_test_batch_end = on_predict_batch_end = _wind

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Stop the clock."""
        faulthandler.cancel_dump_traceback_later()

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Stop the clock: the run ends by itself."""
        faulthandler.cancel_dump_traceback_later()

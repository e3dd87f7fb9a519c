"""What a training run says about itself: how long it took and its best validation score."""

import json
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from typing_extensions import override

from emolit.callbacks.base import drafted, rehearsal


class FitReport(Callback):
    """Writes ``<default_root_dir>/fit.json``: seconds, steps, and the best monitored score.

    Seconds count training and validation, over all resumed parts, without start-up.
    """

    def __init__(self) -> None:
        self.before = 0.0
        self.started = time.perf_counter()

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Duration so far."""
        return self.before + time.perf_counter() - self.started

    @override
    def state_dict(self) -> dict[str, Any]:
        """Keep the duration over a resume."""
        return {"seconds": self.seconds}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from the duration of the parts before."""
        self.before = state_dict["seconds"]

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file."""
        if not trainer.is_global_zero or rehearsal(trainer):
            return
        monitored = [
            callback
            for callback in trainer.checkpoint_callbacks
            if isinstance(callback, ModelCheckpoint) and callback.monitor
        ]
        best = monitored[0].best_model_score if monitored else None
        report = {
            "seconds": round(self.seconds, 3),
            "steps": trainer.global_step,
            "monitor": monitored[0].monitor if monitored else None,
            "mode": monitored[0].mode if monitored else None,
            "best_score": None if best is None else float(best),
        }
        with drafted(Path(trainer.default_root_dir) / "fit.json") as file:
            json.dump(report, file, indent=2)

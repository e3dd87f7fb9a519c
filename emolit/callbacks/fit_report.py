"""What a training run says about itself: each validation, its best score, and where that lies."""

import json
import shlex
import time
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor
from typing_extensions import override

from emolit.callbacks.adapter_checkpoint import AdapterCheckpoint
from emolit.callbacks.base import rehearsal
from emolit.engine.weights.selection import selection_of, selection_text
from emolit.files.atomic import write_atomically
from emolit.reporting.tables import number

FILE = "fit.json"
CHECKPOINT = "--model.policy.checkpoint"


class FitReport(Callback):
    """Writes ``<default_root_dir>/fit.json``: seconds, steps, and the best monitored score.

    Seconds count training and validation, over all resumed parts, without start-up. On the terminal
    it says each monitored score, and at the end which is the best, where its weights lie, whether
    they are the untouched start, and the command that tests them.
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
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say the monitored scores; each is compared with the best of the validations before."""
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        for checkpoint in best_checkpoints(trainer):
            name = str(checkpoint.monitor)
            if name in trainer.callback_metrics:
                score = float(trainer.callback_metrics[name])
                found = compare(score, checkpoint.best_model_score, checkpoint.mode)
                pl_module.print(f"step {trainer.global_step}: {name} {number(score)}, {found}")

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file."""
        if not trainer.is_global_zero or rehearsal(trainer):
            return
        first = next(iter(best_checkpoints(trainer)), None)
        best = None if first is None else first.best_model_score
        report = {
            "seconds": round(self.seconds, 3),
            "steps": trainer.global_step,
            "monitor": None if first is None else first.monitor,
            "mode": None if first is None else first.mode,
            "best_score": None if best is None else float(best),
        }
        with write_atomically(Path(trainer.default_root_dir) / FILE) as file:
            json.dump(report, file, indent=2)

    @override
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what came out, once every checkpoint is written."""
        if not trainer.is_global_zero or rehearsal(trainer):
            return
        for line in outcome(trainer):
            pl_module.print(line)


def best_checkpoints(trainer: Trainer) -> list[ModelCheckpoint]:
    """Return the checkpoint callbacks that keep the best by a score."""
    found = [each for each in trainer.checkpoint_callbacks if isinstance(each, ModelCheckpoint)]
    return [checkpoint for checkpoint in found if checkpoint.monitor]


def better(score: float, other: float, mode: str) -> float:
    """Return the better of two scores.

    Args:
        score: Of now.
        other: Of before.
        mode: ``max`` where the highest is the best, ``min`` where the lowest is.
    """
    won = score > other if mode == "max" else score < other  # NaN never wins
    return score if won else other


def compare(score: float, before: Tensor | None, mode: str) -> str:
    """Return how a score stands to the best of the validations before, as words.

    Example:
        >>> import torch
        >>> compare(0.5, torch.tensor(0.25), "max")
        'the best so far (before: 0.250)'
        >>> compare(0.5, torch.tensor(0.75), "max")
        'best so far: 0.750'
        >>> compare(0.5, None, "max")
        'the first'
    """
    if before is None:
        return "the first"
    best = float(before)
    if better(score, best, mode) != best:
        return f"the best so far (before: {number(best)})"
    return f"best so far: {number(best)}"


def outcome(trainer: Trainer) -> list[str]:
    """Return what is said at the end: the best of each score, and the command that tests it."""
    lines = []
    for checkpoint in best_checkpoints(trainer):
        if not isinstance(checkpoint, AdapterCheckpoint):
            continue
        selection = selection_of(checkpoint.target)
        if selection is None:
            lines.append(f"best: none, since {checkpoint.monitor} was never scored")
            continue
        lines.append(f"best: {selection_text(selection)}, in {checkpoint.target}")
        config = Path(trainer.default_root_dir) / "fit" / "config.yaml"
        named = shlex.quote(str(config)) if config.is_file() else "TEST.yaml"
        weights = shlex.quote(str(checkpoint.target))
        lines.append(f"next: emolit test --config {named} {CHECKPOINT} {weights}")
        lines.append(f"  or: emolit predict --checkpoint {weights} FILES")
    return lines

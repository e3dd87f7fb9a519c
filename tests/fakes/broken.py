"""Numbers that break at a step, each time that this step is made."""

import math
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from emolit.rewards import Reward
from emolit.types import Answer, Clip


class Breaker(Callback):
    """Makes something NaN or infinite in one step.

    Args:
        what: ``weights`` break after the step, the others in it.
        step: Optimizer steps before it.
        rank: In which process.
    """

    def __init__(
        self, what: Literal["weights", "loss", "gradient"], step: int, rank: int = 0
    ) -> None:
        self.what = what
        self.step = step
        self.rank = rank

    def _now(self, trainer: Trainer, what: str, step: int) -> bool:
        return self.what == what and self.step == step and self.rank == trainer.global_rank

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        if self._now(trainer, "loss", trainer.global_step):
            score = pl_module.policy.logprobs
            pl_module.policy.logprobs = lambda rollout: score(rollout) * math.nan

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._now(trainer, "gradient", trainer.global_step):
            first(pl_module).grad[0] = math.inf

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._now(trainer, "weights", trainer.global_step - 1):
            with torch.no_grad():
                first(pl_module)[0] = math.nan


def first(module: LightningModule) -> Any:
    """Return the first weight that trains."""
    return next(weight for weight in module.parameters() if weight.requires_grad)


class NoNumber(Reward):
    """A reward that is NaN on one clip.

    Args:
        clip: Its id.
    """

    def __init__(self, clip: str) -> None:
        super().__init__()
        self.clip = clip

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float:
        return math.nan if clip.id == self.clip else float(len(response))

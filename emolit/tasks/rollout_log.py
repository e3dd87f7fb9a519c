"""What a task with rollouts logs of each step, over all processes."""

import time
from abc import ABC
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from emolit.compat.lightning import trainer_of
from emolit.rewards import Reward
from emolit.rollouts import RolloutEngine
from emolit.rollouts.eager import Eager
from emolit.seed import run_seed
from emolit.tasks.adaptive import AdaptiveTask
from emolit.tasks.curves import (
    answer_curves,
    curves,
    length_curves,
    rollout_curves,
    sampling_gap,
    sums,
)
from emolit.types import Batch, Rollout, Sampling, ScoredRollout

STALE = ("drift", "clipped")
"""What is 0 by construction, but for rounding, where a rollout has one update: not logged there."""


class RolloutLogTask(AdaptiveTask, ABC):
    """A task that logs loss, KL, rewards, lengths, answers and speed of its rollouts.

    Attributes:
        rewards: What a response is worth, each under its own name.
        updates: Optimizer steps a rollout.
        rollouts: Who samples.
    """

    rewards: Sequence[Reward]
    updates = 1
    rollouts: RolloutEngine = Eager()

    def on_fit_start(self) -> None:
        """Say what trains; make sure that there is somebody who samples."""
        super().on_fit_start()
        self.rollouts.start()

    def draw(self, batch: Batch, group_size: int, sampling: Sampling, seed: int) -> Rollout:
        """Let the engine sample, for the step that comes next."""
        return self.rollouts.draw(
            self.policy, batch, group_size, sampling, seed=seed, step=self.global_step
        )

    def answer(self, batch: Batch) -> Rollout:
        """Decode greedily; in a validation of a training by the engine, where that is asked for."""
        trainer = trainer_of(self)
        if self.rollouts.validates and trainer is not None and trainer.state.fn == "fit":
            return self.draw(batch, 1, self.sampling.greedy(), run_seed())
        return super().answer(batch)

    def check_gap(self, scored: ScoredRollout) -> None:
        """Stop before anything is learned from an engine that is not the policy.

        Args:
            scored: What was sampled, scored as training scores.

        Raises:
            RolloutError: Sampling and scoring are too far apart on one of the processes: one server
                of several may be the one that lags behind.
        """
        gap = sampling_gap(scored)
        if self.rollouts.max_gap is not None and gap is not None:
            everyone: Any = self.all_gather(gap[0]) if self.processes > 1 else gap[0]
            self.rollouts.check_gap(everyone.max().item())

    def log_rollout(
        self,
        scored: ScoredRollout,
        updating: ScoredRollout,
        loss: Tensor,
        stats: dict[str, Tensor],
        started: float,
    ) -> None:
        """Log what a person watches.

        Args:
            scored: The whole rollout.
            updating: The groups that this step updates by, scored as training scores.
            loss: Of these groups.
            stats: What the objective tells, by name.
            started: When the step began, in seconds of ``time.perf_counter``.
        """
        rollout, size = scored.rollout, len(scored.rollout.batch)
        seconds = time.perf_counter() - started
        shown = {"train/tokens_per_second": rollout.mask.sum() / seconds}
        values = {"train/loss": loss.detach(), **rollout_curves(scored)}
        values |= answer_curves(rollout, self.evaluator.labels)
        for name, value in stats.items():
            if self.updates > 1 or name not in STALE:
                (shown if name == "kl" else values)[f"train/{name}"] = value
        self.log_rewards(scored)
        self.log_dict(shown, batch_size=size, prog_bar=True, sync_dist=True)
        self.log_dict(values, batch_size=size, sync_dist=True)
        self._log_lengths(rollout)
        self._log_gap(updating)

    def log_rewards(self, scored: ScoredRollout) -> None:
        """Log the total and each reward, as `curves` makes them of ``[B, G]``."""
        summed = sums(self.rewards, scored)
        if self.processes > 1:
            summed = self.trainer.strategy.reduce(summed.to(self.device), reduce_op="sum").cpu()
        values = curves(self.rewards, summed, scored.rollout.progress)
        size, total = len(scored.rollout.batch), values.pop("train/reward", None)
        if total is not None:
            self.log_dict({"train/reward": total}, batch_size=size, prog_bar=True)
        self.log_dict(values, batch_size=size)

    def _log_lengths(self, rollout: Rollout) -> None:
        """Log how long the responses of all processes are."""
        ends = torch.stack([rollout.mask.sum(-1), rollout.finished])
        everyone: Any = self.all_gather(ends) if self.processes > 1 else ends.unsqueeze(0)
        lengths, finished = everyone.transpose(0, 1).flatten(1)
        self.log_dict(length_curves(lengths, finished), batch_size=len(rollout.batch))

    def _log_gap(self, scored: ScoredRollout) -> None:
        """Log how far sampling and scoring are apart, where both were computed."""
        if (gap := sampling_gap(scored)) is not None:
            size = len(scored.rollout.batch)
            mean, largest = {"train/rollout_gap": gap[0]}, {"train/rollout_gap_max": gap[1]}
            self.log_dict(mean, batch_size=size, sync_dist=True)
            self.log_dict(largest, batch_size=size, sync_dist=True, reduce_fx="max")

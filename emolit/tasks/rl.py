"""Reinforcement finetuning: rollout, rewards, advantage, objective."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor, nn

from emolit.advantages import standardized
from emolit.errors import ConfigError
from emolit.evaluators import Evaluator
from emolit.functional import masked_mean
from emolit.objectives import Objective
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.rewards import Reward
from emolit.rewards.base import Scores, check_names, weighted_sum
from emolit.schedule import Schedule
from emolit.seed import run_seed
from emolit.tasks.base import OptimizerFactory, SchedulerFactory, Task, check_finite
from emolit.tasks.curves import curves, sums
from emolit.types import Batch, Rollout, Sampling, ScoredRollout


class ReinforcementFinetuning(Task):
    """Group-relative policy gradient with a policy/reference pair and pluggable rewards.

    One optimizer step a rollout: the responses are sampled by the policy that is updated.

    Args:
        policy: The model that answers, with its reference.
        objective: The loss of a scored rollout.
        rewards: What a response is worth, each under its own name.
        optimizer: Any torch optimizer.
        evaluator: Turns answers into scores.
        advantage: Any function ``[B, G] -> [B, G]`` of the total reward.
        group_size: G, responses a prompt.
        scheduler: Any torch scheduler, stepped once an optimizer step.
        prompt: Linked from the root of the config; do not set it here.
        sampling: How responses are drawn; validation and test decode greedily.
    """

    def __init__(
        self,
        policy: Policy,
        objective: Objective,
        rewards: list[Reward],
        optimizer: OptimizerFactory,
        evaluator: Evaluator,
        advantage: Callable[[Tensor], Tensor] = standardized,
        group_size: int = 8,
        scheduler: SchedulerFactory | None = None,
        prompt: Prompt | None = None,
        sampling: Sampling = Sampling(),
    ) -> None:
        super().__init__(policy, optimizer, scheduler, evaluator, prompt, sampling)
        check_names(rewards)
        if sampling.temperature == 0:
            raise ConfigError(
                "`sampling.temperature` is 0, so that all responses of a group are the same and "
                "nothing can be learned; choose a temperature above 0, such as 1."
            )
        self.objective = objective
        self.rewards: Sequence[Reward] = nn.ModuleList(rewards)  # type: ignore[assignment]  # iterates alike
        self.advantage = advantage
        self.group_size = group_size

    @property
    def needs_reference(self) -> bool:
        """Whether the objective has a KL term."""
        return self.objective.needs_reference

    def setup(self, stage: str) -> None:
        """Show the prompt to the rewards."""
        super().setup(stage)
        for reward in self.rewards:
            reward.prepare(self.asked())

    def on_fit_start(self) -> None:
        """Say what trains and which rewards are on: a second list in YAML replaces the first."""
        super().on_fit_start()
        shown = ", ".join(f"{reward.weight_at(0.0):g} * {reward.name}" for reward in self.rewards)
        rank_zero_info(f"rewards: {shown}")

    def on_train_start(self) -> None:
        """Check that weights which follow the training have an end to go to.

        Not earlier: asking for the length loads the data, before a checkpoint has said where in
        them the run is.

        Raises:
            ConfigError: Nobody knows the length.
        """
        scheduled = [reward.name for reward in self.rewards if isinstance(reward.weight, Schedule)]
        if scheduled and self.trainer.estimated_stepping_batches == float("inf"):
            raise ConfigError(
                f"The weight of {scheduled[0]!r} changes over the training, which has no end; set "
                "`trainer.max_epochs` or `trainer.max_steps`."
            )

    def scores_of(self, rollout: Rollout) -> dict[str, Scores]:
        """Return what each reward says, by name."""
        return {reward.name: reward(rollout) for reward in self.rewards}

    def rewards_of(self, rollout: Rollout) -> dict[str, Tensor]:
        """Return each reward ``[B, G]`` by name, NaN where it does not apply or failed."""
        return {name: scores.values for name, scores in self.scores_of(rollout).items()}

    def progress(self) -> float:
        """Return the share of training that is over, 0 where its length is unknown."""
        total = self.trainer.estimated_stepping_batches
        return min(1.0, self.global_step / total) if total and total != float("inf") else 0.0

    def rollout(self, batch: Batch) -> Rollout:
        """Sample and read G responses a prompt."""
        drawn = self.policy.sample(
            batch, self.group_size, self.sampling, seed=run_seed(), step=self.global_step
        )
        return replace(self.read(drawn), progress=self.progress())

    def scored(self, rollout: Rollout) -> ScoredRollout:
        """Add rewards, advantages and reference log-probabilities."""
        scores = self.scores_of(rollout)
        rewards = {name: score.values.to(self.device) for name, score in scores.items()}
        total = weighted_sum(self.rewards, scores, rollout.progress).to(self.device)
        reference = self.policy.reference_logprobs(rollout) if self.needs_reference else None
        return ScoredRollout(
            rollout,
            rewards,
            total,
            self.advantage(total),
            reference,
            responses=self.shared((~total.isnan()).sum()),
        )

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Sample, score, and return the loss with the scored rollout for callbacks."""
        started = time.perf_counter()
        scored = self.scored(self.rollout(batch))
        outcome = self.objective(self.policy.logprobs(scored.rollout), scored)
        check_finite(outcome.loss, batch)
        self._log_step(scored, outcome.loss, outcome.stats, started)
        return {"loss": outcome.loss, "scored": scored}

    def _log_step(
        self, scored: ScoredRollout, loss: Tensor, stats: dict[str, Tensor], started: float
    ) -> None:
        """Log what a person watches: loss, KL, groups without variance, lengths, speed, rewards."""
        rollout = scored.rollout
        tokens = rollout.mask.sum()
        readable = [answer is not None for group in rollout.answers for answer in group]
        shown = {
            "train/tokens_per_second": tokens / (time.perf_counter() - started),
        }
        values = {
            "train/loss": loss.detach(),
            "train/flat_groups": (scored.advantages == 0).all(1).float().mean(),
            "train/parse_rate": torch.tensor(readable).float().mean(),
            "train/unfinished": (~rollout.finished).float().mean(),
            "train/tokens": tokens.float() / rollout.finished.numel(),
        }
        if rollout.entropy is not None:
            values["train/entropy"] = masked_mean(rollout.entropy, rollout.mask)
        for name, value in stats.items():
            (shown if name == "kl" else values)[f"train/{name}"] = value
        self.log_dict(values, batch_size=len(rollout.batch), sync_dist=True)
        self.log_dict(shown, batch_size=len(rollout.batch), prog_bar=True, sync_dist=True)
        self._log_rewards(scored)

    def _log_rewards(self, scored: ScoredRollout) -> None:
        """Log the total and each reward, over all processes."""
        summed = sums(self.rewards, scored)
        if self._trainer is not None and self.trainer.world_size > 1:
            summed = self.trainer.strategy.reduce(summed.to(self.device), reduce_op="sum").cpu()
        values = curves(self.rewards, summed, scored.rollout.progress)
        size, total = len(scored.rollout.batch), values.pop("train/reward", None)
        self.log_dict(values, batch_size=size)
        if total is not None:
            self.log_dict({"train/reward": total}, batch_size=size, prog_bar=True)

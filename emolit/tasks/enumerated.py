"""Finetuning on rewards without sampling: all answers of a closed question are weighed exactly."""

import time
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from emolit.demonstrations import Demonstrations
from emolit.errors import ConfigError
from emolit.evaluators import Evaluator
from emolit.objectives.over_options import OptionObjective, option_logs
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.rewards import Reward
from emolit.tasks.base import check_finite
from emolit.tasks.resumable import OptimizerFactory, SchedulerFactory
from emolit.tasks.rewarded import RewardedTask
from emolit.tasks.totals import hold_rewards, weighted_sum
from emolit.types import Batch, Rollout, Sampling, ScoredRollout


class EnumeratedFinetuning(RewardedTask):
    """Learn from the rewards of all options of a question, each weighed by its probability.

    The K replies differ in the answer alone, and are scored behind one prefill of the question.
    Nothing is sampled, so a step costs less than half of GRPO's (docs/performance.md), and its
    gradient has no noise but that of the batch. A prompt with thinking has other replies behind
    every thought, and is refused.

    Args:
        policy: The model that answers.
        objective: `ExpectedReward` or `SoftLabels`.
        rewards: What a response is worth, each under its own name.
        optimizer: Any torch optimizer.
        evaluator: Turns answers into scores.
        scheduler: Any torch scheduler, stepped once an optimizer step.
        prompt: Linked from the root of the config; do not set it here.
        sampling: How validation and test answer, greedily; replies are weighed at temperature 1.
        demonstrations: What the gold reply of each clip does beside the options.
    """

    def __init__(
        self,
        policy: Policy,
        objective: OptionObjective,
        rewards: list[Reward],
        optimizer: OptimizerFactory,
        evaluator: Evaluator,
        scheduler: SchedulerFactory | None = None,
        prompt: Prompt | None = None,
        sampling: Sampling = Sampling(),
        demonstrations: Demonstrations | None = None,
    ) -> None:
        super().__init__(policy, optimizer, scheduler, evaluator, prompt, sampling)
        self.objective = objective
        self.rewards = hold_rewards(rewards)
        self.demonstrations = demonstrations
        if demonstrations is not None and demonstrations.needs_samples:
            raise ConfigError(
                f"{type(demonstrations).__name__} compares the gold reply with samples, and "
                "`EnumeratedFinetuning` draws none; take `CHORD`, or leave `demonstrations` out."
            )

    @property
    def breaks_groups(self) -> str:
        """All options are rewarded, and none was sampled."""
        return "`EnumeratedFinetuning`"

    def setup(self, stage: str) -> None:
        """Refuse a prompt whose replies cannot be listed.

        Raises:
            ConfigError: It asks for thinking.
        """
        super().setup(stage)
        if stage == "fit" and "<think>" in self.require_prompt().layout:
            raise ConfigError(
                f"The prompt {type(self.require_prompt()).__name__} asks for thinking, whose "
                "replies cannot be listed; train with `ReinforcementFinetuning`, or take a prompt "
                "without thinking, such as `Direct`."
            )

    def enumerate_options(self, batch: Batch) -> Rollout:
        """Return a reply for each option of B questions, as K responses. ``[B, K, T]``.

        Raises:
            ConfigError: The questions have no closed options.
        """
        prompt, options = self.require_prompt(), self.closed_options(batch)
        replies = tuple(
            tuple(prompt.instead(clip, "", option) for option in options) for clip in batch.clips
        )
        plain = replace(self.sampling.greedy(), temperature=1.0)
        told = self.policy.encode_responses(batch, replies, plain)
        return replace(self.parse_responses(told), progress=self.progress())

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Weigh all options, and return the loss."""
        started = time.perf_counter()
        rollout = self.enumerate_options(batch)
        rewards = self.compute_rewards(rollout)
        total = weighted_sum(self.rewards, rewards, rollout.progress)
        known = ~total.isnan().any(1, keepdim=True).expand_as(total)
        counts = self.mean_count(torch.stack([known.sum(), rollout.mask.sum()]))
        scored = ScoredRollout(
            rollout, rewards, total, torch.zeros_like(total), responses=counts[0], tokens=counts[1]
        )
        logprobs, gold = self.score_update(rollout)
        outcome = self.compute_loss(logprobs, gold, scored)
        check_finite(outcome.loss, batch)
        self._log(scored, logprobs.detach(), outcome.loss, outcome.stats, started)
        return {"loss": outcome.loss}

    def _log(
        self,
        scored: ScoredRollout,
        logprobs: Tensor,
        loss: Tensor,
        stats: dict[str, Tensor],
        started: float,
    ) -> None:
        """Log loss, rewards as expected, and how probable each option is."""
        size, options = len(scored.rollout.batch), scored.rollout.batch.options
        logs = option_logs(logprobs, scored.rollout.mask, renormalize=False)
        said = logs.exp()
        values = {"train/loss": loss.detach(), "train/option_mass": said.sum(1).mean()}
        values |= {f"train/{name}": value for name, value in stats.items()}
        values |= {f"said/{name}": said[:, k].mean() for k, name in enumerate(options)}
        seconds = time.perf_counter() - started
        shown = {"train/clips_per_second": said.new_tensor(size / seconds)}
        self.log_dict(shown, batch_size=size, prog_bar=True, sync_dist=True)
        self.log_dict(values, batch_size=size, sync_dist=True)
        rewards = {name: expect(said, worth) for name, worth in scored.rewards.items()}
        total = expect(said, scored.total)
        self.log_rewards(replace(scored, rewards=rewards, total=total))


def expect(said: Tensor, worth: Tensor) -> Tensor:
    """Return what a clip is expected to earn, as that of one response. ``[B, K]`` -> ``[B, 1]``.

    NaN where an option has no reward.
    """
    return (said * worth).sum(1, keepdim=True)

"""Finetuning on rewards without sampling: all answers of a closed question are weighed exactly."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from emolit.demonstrations import Demonstrations
from emolit.errors import ConfigError
from emolit.evaluators import Evaluator
from emolit.objectives.over_options import OptionObjective, option_logs
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.rewards import Reward
from emolit.rl.schedule import Schedule
from emolit.tasks.base import check_finite
from emolit.tasks.resumable import OptimizerFactory, SchedulerFactory
from emolit.tasks.rewarded import RewardedTask
from emolit.tasks.totals import check_names, weighted_sum
from emolit.types import Batch, Rollout, Sampling, ScoredRollout


class EnumeratedFinetuning(RewardedTask):
    """Learn from the rewards of all options of a question, each weighed by its probability.

    The K replies differ in the answer alone, and are scored behind one prefill of the question.
    Nothing is sampled, so a step costs little more than one of supervised finetuning, and its
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
        check_names(rewards)
        self.objective = objective
        self.rewards = cast("Sequence[Reward]", nn.ModuleList(rewards).requires_grad_(False))
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

    @property
    def needs_reference(self) -> bool:
        """There is no KL."""
        return False

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
        if not batch.options:
            raise ConfigError(
                "The questions have no closed options, so that their answers cannot be listed; "
                "train with `ReinforcementFinetuning`."
            )
        prompt = self.require_prompt()
        replies = tuple(
            tuple(prompt.instead(clip, "", option) for option in batch.options)
            for clip in batch.clips
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
        values |= {f"train/{name}": value for name, value in stats.items() if name != "reward"}
        values |= {f"said/{name}": said[:, k].mean() for k, name in enumerate(options)}
        values |= self._expected(said, scored)
        seconds = time.perf_counter() - started
        shown = {
            "train/reward": stats["reward"],
            "train/clips_per_second": said.new_tensor(size / seconds),
        }
        self.log_dict(shown, batch_size=size, prog_bar=True, sync_dist=True)
        self.log_dict(values, batch_size=size, sync_dist=True)

    def _expected(self, said: Tensor, scored: ScoredRollout) -> dict[str, Tensor]:
        """Return each reward as expected, over the clips of all processes that it applies to.

        With what rewards count, and weights that change, as of any task with rewards.
        """
        parts = []
        for worth in scored.rewards.values():
            known = ~worth.isnan().any(1)
            parts += [(said * worth.nan_to_num()).sum(1)[known].sum(), known.sum()]
        sums = self.mean_over_processes(torch.stack([part.float() for part in parts]))
        found = {
            f"reward/{name}": sums[2 * place] / sums[2 * place + 1]
            for place, name in enumerate(scored.rewards)
            if sums[2 * place + 1] > 0
        }
        for reward in self.rewards:
            for what in reward.counted_names:
                found[f"reward/{reward.name}_{what}"] = said.new_tensor(float(reward.counts[what]))
            if isinstance(reward.weight, Schedule):
                now = reward.weight_at(scored.rollout.progress)
                found[f"reward/{reward.name}_weight"] = said.new_tensor(now)
        return found

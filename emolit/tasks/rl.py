"""Reinforcement finetuning: rollout, rewards, advantage, objective."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from emolit.advantages import Advantage, standardized
from emolit.advantages.base import flat, separates_responses
from emolit.demonstrations import Demonstrations
from emolit.errors import ConfigError
from emolit.evaluators import Evaluator
from emolit.objectives import Objective
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.rewards import Reward
from emolit.rl.entropy import EntropyBonus
from emolit.rl.functional import masked_sum
from emolit.rl.groups import clips_of, replace_groups, scored_groups_of
from emolit.rl.hints import Hints, check_begun
from emolit.rl.kl import KL
from emolit.rl.perception import Perception
from emolit.rollouts import RolloutEngine
from emolit.rollouts.eager import Eager
from emolit.seed import run_seed
from emolit.tasks.base import check_finite
from emolit.tasks.hearing import HearingTask
from emolit.tasks.old_logprobs import recompute_old_logprobs
from emolit.tasks.resumable import OptimizerFactory, SchedulerFactory
from emolit.tasks.totals import check_above_zero, hold_rewards, weighted_sum
from emolit.tasks.training_checks import check_learning
from emolit.types import Batch, Rollout, Sampling, ScoredRollout


class ReinforcementFinetuning(HearingTask):
    """Group-relative policy gradient with a policy/reference pair and pluggable rewards.

    One optimizer step a rollout: the responses are sampled by the policy that is updated, so that
    all ratios are 1 and nothing is clipped.

    Args:
        policy: The model that answers, with its reference.
        objective: The loss of a scored rollout.
        rewards: What a response is worth, each under its own name.
        optimizer: Any torch optimizer.
        evaluator: Turns answers into scores.
        advantage: Any function ``[B, G] -> [B, G]`` of the total reward; it sees the groups of all
            processes.
        per_reward: Any such function, applied to each reward before the weighted sum; None leaves
            them as they are. GDPO (arXiv 2601.05242) is ``standardized`` here and
            ``standardized_by_batch`` as the advantage.
        reward_kl: A `KL`, or the coefficient of a plain one, between the policy that sampled and
            the reference; summed over a response it is taken off the total before the advantage.
            Both are scored as training does, which takes one more pass. 0 takes nothing off. A KL
            in the loss is the objective's ``kl``.
        group_size: G, responses a prompt.
        redraws: How often groups of equal total rewards are drawn again, with fresh streams
            (dynamic sampling; DAPO, arXiv 2503.14476, draws other prompts instead).
        skip_flat_groups: Leave groups whose advantages are all 0 out of the update: loss and
            gradient are the same, the work is less. Not done while the objective has a KL, which
            such groups bear too, with an entropy bonus, or with
            demonstrations, which they need most.
        scheduler: Any torch scheduler, stepped once an optimizer step.
        prompt: Linked from the root of the config; do not set it here.
        sampling: How responses are drawn; validation and test decode greedily.
        importance_cap: C: each token counts ``min(p_old / p_sampled, C)``, where p_old is what
            training computes for the policy that sampled (truncated importance sampling, Yao et
            al. 2025, "Your Efficient RL Framework Secretly Brings You Off-Policy RL Training"; 2
            is theirs). Where a response has one ratio it has one weight, too (`GSPO`, `RLOO`). None
            takes sampling for exact.
        demonstrations: What the gold reply of each clip does beside the sampled ones, such as
            `CHORD`; None leaves it out.
        entropy: An `EntropyBonus`, such as an adaptive one, or the coefficient of a fixed one; 0
            leaves it out.
        perception: A `Perception`, or its coefficient: pays for answers that would be other ones
            without the sound; 0 leaves it out.
        hints: `Hints`: how much of a gold thought responses begin with; None begins none.
        beyond_silence: Pay only what a response earns beyond the greedy answer to silence.
        label_balance: How much the advantages of a clip weigh by the rarity of its label in
            training, 0 to 1: in proportion to ``n ** -label_balance``, 1 on average
            (`emolit.rl.balance`).
        rollouts: Who samples the responses, such as `VLLMServer`; None is `Eager`, the policy
            itself.
    """

    objective: Objective

    def __init__(
        self,
        policy: Policy,
        objective: Objective,
        rewards: list[Reward],
        optimizer: OptimizerFactory,
        evaluator: Evaluator,
        advantage: Callable[[Tensor], Tensor] | Advantage = standardized,
        per_reward: Callable[[Tensor], Tensor] | None = None,
        reward_kl: KL | float = 0.0,
        group_size: int = 8,
        redraws: int = 0,
        skip_flat_groups: bool = False,
        scheduler: SchedulerFactory | None = None,
        prompt: Prompt | None = None,
        sampling: Sampling = Sampling(),
        importance_cap: float | None = None,
        demonstrations: Demonstrations | None = None,
        label_balance: float = 0.0,
        entropy: EntropyBonus | float = 0.0,
        perception: Perception | float = 0.0,
        beyond_silence: bool = False,
        hints: Hints | None = None,
        rollouts: RolloutEngine | None = None,
    ) -> None:
        super().__init__(policy, optimizer, scheduler, evaluator, prompt, sampling)
        check_above_zero(importance_cap=importance_cap)
        if sampling.temperature == 0:
            raise ConfigError(
                "`sampling.temperature` is 0, so that all responses of a group are the same and "
                "nothing can be learned; choose a temperature above 0, such as 1."
            )
        self.objective = objective
        self.rewards = hold_rewards(rewards)
        self.advantage = advantage
        self.per_reward = per_reward
        self.reward_kl = reward_kl if isinstance(reward_kl, KL) else KL(reward_kl)
        self.group_size = group_size
        self.redraws = redraws
        self.skip_flat_groups = skip_flat_groups
        self.importance_cap = importance_cap
        self.demonstrations = demonstrations
        self.entropy = entropy if isinstance(entropy, EntropyBonus) else EntropyBonus(entropy)
        if not 0 <= label_balance <= 1:
            raise ConfigError(f"`label_balance` is {label_balance:g}; choose it from 0 to 1.")
        self.label_balance = label_balance
        self.perception = (
            perception if isinstance(perception, Perception) else Perception(perception)
        )
        self.beyond_silence = beyond_silence
        self.hints = hints
        self.rollouts = rollouts or Eager()
        self.rollouts.check(policy, sampling)

    @property
    def needs_reference(self) -> bool:
        """Whether there is a KL, in the loss or in the reward."""
        return self.objective.needs_reference or self.reward_kl.on

    @property
    def rescores(self) -> bool:
        """Whether a rollout is scored as training does before anything is computed from it."""
        return self.reward_kl.on

    def setup(self, stage: str) -> None:
        """Show the prompt to the rewards; refuse an advantage that nothing can be learned from.

        Raises:
            ConfigError: It is 0 whatever the rewards, as that of a group of one mostly is.
        """
        super().setup(stage)
        if stage == "fit":
            check_learning(self)
        most = sum(abs(reward.weight_at(0.0)) for reward in self.rewards)
        group = self.group_size + self.joins_gold
        if stage == "fit" and not separates_responses(self.advantage, group, most):
            raise ConfigError(
                f"With `group_size` {self.group_size} the advantage is 0 whatever the rewards; "
                "raise `group_size`, take an advantage over the batch, or lower its threshold."
            )

    def scheduled(self) -> dict[str, object]:
        """Return also the hints."""
        hints = {} if self.hints is None else {"`hints`": self.hints}
        return {**super().scheduled(), **hints}

    def rollout(self, batch: Batch, attempt: int = 0) -> Rollout:
        """Sample and read G responses a prompt.

        Args:
            batch: B prompts.
            attempt: Each draws from streams of its own.
        """
        if self.hints is not None and not batch.begun:
            batch = self.hints.give(batch, self.progress(), run_seed(), self.global_step)
        seed = run_seed() + (attempt << 32)  # a seed of Lightning's has 32 bits
        drawn = self.draw(batch, self.group_size, self.sampling, seed)
        check_begun(drawn)
        return replace(self.parse_responses(drawn), progress=self.progress())

    def resample_flat_groups(
        self, rollout: Rollout, rewards: dict[str, Tensor]
    ) -> tuple[Rollout, dict[str, Tensor]]:
        """Draw groups of equal rewards again, until none is left or ``redraws`` is used up.

        As long as any process has such a group all of them draw, since weights may be sharded.
        """
        for attempt in range(1, self.redraws + 1):
            level = flat(weighted_sum(self.rewards, rewards, rollout.progress))
            if not self.mean_over_processes(level.any()):
                break
            groups = level.nonzero().flatten().tolist()
            with torch.no_grad():  # so that the prefill of the whole batch is kept for the loss
                fresh = self.rollout(clips_of(rollout.batch, groups or [0]), attempt)
            if groups:
                rollout = replace_groups(rollout, groups, fresh)
                for name, score in self.reward_more(fresh).items():
                    rewards[name] = rewards[name].index_copy(0, level.nonzero().flatten(), score)
        return rollout, rewards

    def compute_advantages(
        self,
        rewards: dict[str, Tensor],
        penalty: Tensor,
        progress: float,
        silence: Tensor | None = None,
    ) -> Tensor:
        """Return the advantages ``[B, G]``, taken over the groups of all processes.

        Args:
            rewards: Each reward by name. ``[B, G]`` each
            penalty: Taken off the total. ``[B, G]``
            progress: Share of the training that is over, which weights may follow.
            silence: What the answer to silence earns; only what is beyond it counts. ``[B, 1]``
        """
        base = penalty.new_zeros(penalty.shape) if silence is None else silence.expand_as(penalty)
        mine = torch.stack([*rewards.values(), penalty, base])
        everyone: Any = self.all_gather(mine) if self.processes > 1 else mine.unsqueeze(0)
        *parts, penalties, base = everyone.transpose(0, 1).flatten(1, 2)  # [processes * B, G] each
        if self.per_reward is not None:
            parts = [self.per_reward(part).masked_fill(part.isnan(), math.nan) for part in parts]
        named = dict(zip(rewards, parts, strict=True))
        worth = weighted_sum(self.rewards, named, progress)
        worth = (worth if silence is None else (worth - base).clamp(min=0)) - penalties
        advantages = self.advantage(worth).view(self.processes, *penalty.shape)
        return advantages[self.global_rank]

    def score_rollout(self, rollout: Rollout) -> ScoredRollout:
        """Add rewards, advantages and reference log-probabilities."""
        rollout, rewards = self.resample_flat_groups(rollout, self.compute_rewards(rollout))
        total = weighted_sum(self.rewards, rewards, rollout.progress)
        reference = self.policy.reference_logprobs(rollout) if self.needs_reference else None
        scored = ScoredRollout(rollout, rewards, total, torch.zeros_like(total), reference)
        if self.rescores:
            scored = recompute_old_logprobs(
                scored, self.training_logprobs(rollout), self.importance_cap
            )
        rollout = scored.rollout
        penalty = masked_sum(self.reward_kl(rollout.behavior, reference, rollout), rollout.mask, -1)
        joined = self.reward_gold(rollout, rewards)
        advantages = self.compute_advantages(
            joined, self.pad_penalty(penalty), rollout.progress, self.worth_of_silence(rollout)
        )
        advantages = advantages * self.clip_weights(rollout.batch)
        if self.joins_gold:
            scored = replace(scored, gold=advantages[:, -1])
            advantages = advantages[:, :-1]
        counts = self.mean_count(torch.stack([(~total.isnan()).sum(), scored.mask.sum()]))
        return replace(scored, advantages=advantages, responses=counts[0], tokens=counts[1])

    @torch.no_grad()
    def training_logprobs(self, rollout: Rollout) -> Tensor:
        """Return the log-probabilities of a rollout as training computes them. ``[B, G, T]``."""
        return self.score_update(rollout)[0]

    def groups_to_update(self, scored: ScoredRollout) -> ScoredRollout:
        """Return the groups that the update needs: one at least, so that no process stays out."""
        needs_all = self.objective.needs_reference or self.entropy.on
        needs_all = needs_all or self.perception.on or self.demonstrations is not None
        if needs_all or not self.skip_flat_groups:
            return scored
        groups = (scored.advantages != 0).any(1).nonzero().flatten().tolist()
        return scored_groups_of(scored, groups or [0])

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Sample, score, and return the loss with the scored rollout for callbacks."""
        started = time.perf_counter()
        with torch.set_grad_enabled(not self.rescores):  # else the loss takes over the prefill
            rollout = self.rollout(batch)
        scored = self.score_rollout(rollout)
        updating = self.groups_to_update(scored)
        logprobs, gold = self.score_update(updating.rollout)
        updating = recompute_old_logprobs(updating, logprobs.detach(), self.importance_cap)
        self.check_gap(updating)
        outcome = self.compute_loss(logprobs, gold, updating)
        outcome = self.add_entropy_bonus(outcome, logprobs, updating, new=scored.rollout)
        outcome = self.add_perception(outcome, logprobs, updating)
        check_finite(outcome.loss, batch)
        stats = {
            **outcome.stats,
            **self.step_adaptive_kl("kl", self.objective.kl, logprobs.detach(), updating),
            **self.step_adaptive_kl("reward_kl", self.reward_kl, scored.rollout.behavior, scored),
        }
        self.log_rollout(scored, updating, outcome.loss, stats, started)
        return {"loss": outcome.loss, "scored": scored}

"""Reinforcement finetuning with several optimizer steps a rollout.

A rollout of B prompts with G responses each is kept and walked ``epochs`` times in ``minibatches``
of whole groups (GRPO, arXiv 2402.03300, algorithm 1, where mu counts the epochs; PPO, arXiv
1707.06347).

A training step is one update: the loader hands out each batch as many times as its rollout has
updates, the first of them samples, and Lightning steps the optimizer as in any other task. The
other way, manual optimization with all updates inside one training step, was not taken: it would
put clipping, accumulation, precision and the scheduler into this file, and Lightning would count,
save, validate and log by rollouts where all its settings say steps. As it is, a checkpoint may lie
between two updates. It then holds the rollout, of every process, without its audio: the loader
carries its place among the repetitions of a batch and hands the same one out again.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, distributed

from emolit.advantages import Advantage, standardized
from emolit.demonstrations import Demonstrations
from emolit.errors import ConfigError
from emolit.evaluators import Evaluator
from emolit.objectives import Objective
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.rewards import Reward
from emolit.rl.entropy import EntropyBonus
from emolit.rl.groups import groups_of, scored_groups_of
from emolit.rl.hints import Hints
from emolit.rl.kl import KL
from emolit.rl.perception import Perception
from emolit.rl.rollout_buffer import pack_rollout, unpack_rollout
from emolit.rollouts import RolloutEngine
from emolit.tasks.adaptive import COEFFICIENTS
from emolit.tasks.base import check_finite
from emolit.tasks.old_logprobs import recompute_old_logprobs
from emolit.tasks.resumable import OptimizerFactory, SchedulerFactory
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.totals import check_above_zero
from emolit.types import Batch, Rollout, Sampling, ScoredRollout

KEY = "rollout"
"""Where a checkpoint between two updates holds the rollouts, one a process."""


class BufferedReinforcementFinetuning(ReinforcementFinetuning):
    """Several optimizer steps a rollout, against the log-probabilities that it was sampled with.

    With more than one update these are computed as training does, minibatch by minibatch, before
    the first (see `emolit.tasks.old_logprobs`): one pass more a rollout.

    Minibatches are the same in every epoch: the loader has shuffled the clips, and so two processes
    with half the batch walk the same groups as one process.

    ``trainer.accumulate_grad_batches`` and ``gradient_clip_val`` count as everywhere: an optimizer
    step takes that many minibatches and clips their summed gradient.

    Args:
        policy: The model that answers, with its reference.
        objective: The loss of a scored rollout.
        rewards: What a response is worth, each under its own name.
        optimizer: Any torch optimizer.
        evaluator: Turns answers into scores.
        advantage: Any function ``[B, G] -> [B, G]`` of the total reward; it sees the groups of all
            processes.
        per_reward: Any such function, applied to each reward before the weighted sum.
        reward_kl: A `KL`, or the coefficient of a plain one, taken off the reward.
        group_size: G, responses a prompt.
        redraws: How often groups of equal total rewards are drawn again.
        skip_flat_groups: Leave groups whose advantages are all 0 out of the updates.
        scheduler: Any torch scheduler, stepped once an optimizer step.
        prompt: Linked from the root of the config; do not set it here.
        sampling: How responses are drawn; validation and test decode greedily.
        importance_cap: The largest weight of truncated importance sampling; None weighs nothing.
        demonstrations: What the gold reply of each clip does; None leaves it out.
        label_balance: How much advantages weigh by the rarity of the clip's label, 0 to 1.
        entropy: An `EntropyBonus`, or the coefficient of a fixed one.
        perception: A `Perception`, or its coefficient.
        beyond_silence: Pay only what a response earns beyond the greedy answer to silence.
        hints: How much of a gold thought responses begin with.
        rollouts: Who samples the responses; None is the policy itself.
        epochs: How often a rollout is walked.
        minibatches: Parts of equal size that a walk has; they divide ``loading.batch_size``.
    """

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
        epochs: int = 2,
        minibatches: int = 1,
    ) -> None:
        super().__init__(
            policy, objective, rewards, optimizer, evaluator, advantage, per_reward, reward_kl,
            group_size, redraws, skip_flat_groups, scheduler, prompt, sampling, importance_cap,
            demonstrations, label_balance, entropy, perception, beyond_silence, hints,
            rollouts,
        )  # fmt: skip
        check_above_zero(epochs=epochs, minibatches=minibatches)
        self.minibatches = minibatches
        self.updates = epochs * minibatches
        self._scored: ScoredRollout | None = None
        self._saved: dict[str, Any] | None = None
        self._clips: list[list[str]] = []
        self._update = 0
        self._seconds = 0.0

    @property
    def rescores(self) -> bool:
        """Whether there is a KL in the reward, or an update by weights that have moved since."""
        return super().rescores or self.updates > 1

    def setup(self, stage: str) -> None:
        """Let the corpus hand out each training batch once an update.

        Raises:
            ConfigError: One optimizer step would take the same minibatch twice.
        """
        super().setup(stage)
        if stage != "fit":
            return
        together = self.trainer.accumulate_grad_batches
        if self.updates > self.minibatches < together:
            raise ConfigError(
                f"`trainer.accumulate_grad_batches` is {together} and `minibatches` is "
                f"{self.minibatches}, so that one optimizer step would take the same minibatch "
                "more than once, under the same weights; accumulate no more than `minibatches`, "
                "or set `epochs` to 1."
            )
        self._repeat(self.updates)

    def teardown(self, stage: str) -> None:
        """Leave the corpus as it was, and forget a rollout that training stopped in."""
        if stage == "fit":
            self._repeat(1)
            self._scored, self._saved, self._update, self._seconds = None, None, 0, 0.0

    def _repeat(self, times: int) -> None:
        corpus: Any = getattr(self.trainer, "datamodule", None)
        if corpus is not None:
            corpus.repeats = times

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Return the loss of one minibatch; the scored rollout too where it is new."""
        started = time.perf_counter()
        self._take(batch)
        new = self._update == 0
        whole = self._next_rollout(batch) if self._scored is None else self._scored
        scored = self.groups_to_update(self.minibatch(whole, self._update % self.minibatches))
        logprobs, gold = self.score_update(scored.rollout)
        if self.updates == 1:
            scored = recompute_old_logprobs(scored, logprobs.detach(), self.importance_cap)
        self.check_gap(scored)
        outcome = self.compute_loss(logprobs, gold, scored)
        outcome = self.add_entropy_bonus(outcome, logprobs, scored, whole.rollout if new else None)
        outcome = self.add_perception(outcome, logprobs, scored)
        check_finite(outcome.loss, scored.rollout.batch)
        now = time.perf_counter()
        self._seconds += now - started
        stats = {
            **outcome.stats,
            **self.step_adaptive_kl("kl", self.objective.kl, logprobs.detach(), scored),
        }
        if new:
            stats |= self.step_adaptive_kl(
                "reward_kl", self.reward_kl, whole.rollout.behavior, whole
            )
        self.log_rollout(whole, scored, outcome.loss, stats, now - self._seconds)
        self._close(whole)
        return {"loss": outcome.loss, "scored": whole} if new else {"loss": outcome.loss}

    def minibatch(self, whole: ScoredRollout, index: int) -> ScoredRollout:
        """Return the groups of a minibatch, with its counts over all processes.

        Raises:
            ConfigError: The rollout has no such parts.
        """
        if self.minibatches == 1:
            return whole
        part = scored_groups_of(whole, self._groups(whole.rollout, index))
        counts = self.mean_count(torch.stack([(~part.total.isnan()).sum(), part.mask.sum()]))
        return replace(part, responses=counts[0], tokens=counts[1])

    def _groups(self, rollout: Rollout, index: int) -> range:
        """Return which groups of a rollout a minibatch has."""
        size, left = divmod(len(rollout.batch), self.minibatches)
        if left:
            raise ConfigError(
                f"A rollout has {len(rollout.batch)} prompts in this process, which do not "
                f"make {self.minibatches} minibatches of one size; choose `minibatches` that "
                "divide `loading.batch_size`."
            )
        return range(index * size, (index + 1) * size)

    @torch.no_grad()
    def training_logprobs(self, rollout: Rollout) -> Tensor:
        """Score each minibatch as its update will: among other rows it is rounded otherwise."""
        if self.minibatches == 1:
            return super().training_logprobs(rollout)
        parts = [groups_of(rollout, self._groups(rollout, i)) for i in range(self.minibatches)]
        return torch.cat([self.score_update(part)[0] for part in parts])

    def _next_rollout(self, batch: Batch) -> ScoredRollout:
        """Sample and score a new rollout, or take the one that a checkpoint held.

        The prefill of sampling is kept for the loss, with its gradients, only where nothing is
        scored in between.
        """
        if self._saved is not None:
            saved, self._saved = self._saved, None
            return unpack_rollout(saved, batch, self.device)
        with torch.set_grad_enabled(not self.rescores):
            rollout = self.rollout(batch)
        return self.score_rollout(rollout)

    def _take(self, batch: Batch) -> None:
        """Note the clips of a new rollout; refuse others between its updates: they would be lost.

        Raises:
            ConfigError: They are others.
        """
        clips = [[clip.corpus, clip.id] for clip in batch.clips]
        if self._update == 0:
            self._clips = clips
        elif self._clips != clips:
            raise ConfigError(
                f"Update {self._update + 1} of {self.updates} of a rollout got another batch; each "
                "must come once an update: train on a corpus of emolit, or repeat batches in the "
                f"loader, and let `trainer.limit_train_batches` be a multiple of {self.updates}."
            )

    def _close(self, whole: ScoredRollout) -> None:
        """Count the update; forget the rollout after the last one."""
        self._update = (self._update + 1) % self.updates
        self._scored = whole if self._update else None
        self._seconds = self._seconds if self._update else 0.0

    def batch_state(self) -> dict[str, Any]:
        """Return also the rollout that has updates to come, and which comes next."""
        scored = self._saved if self._scored is None else self._scored
        mine = {"update": self._update, "clips": self._clips, "scored": scored}
        return {**super().batch_state(), **mine}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the rollout of each process, if there are updates of it to come."""
        super().on_save_checkpoint(checkpoint)
        mine = {name: value for name, value in self.window_state().items() if name != COEFFICIENTS}
        if isinstance(mine["scored"], ScoredRollout):
            mine["scored"] = pack_rollout(mine["scored"])
        if mine["scored"] is None:
            return
        parts = [mine] * self.trainer.world_size
        if self.trainer.world_size > 1:
            distributed.all_gather_object(parts, mine)
        checkpoint[KEY] = parts

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take this process's rollout for the next training step.

        Raises:
            ConfigError: There were more or fewer processes.
        """
        super().on_load_checkpoint(checkpoint)
        parts = checkpoint.get(KEY)
        if parts is None or self.trainer.state.fn != "fit":
            return
        if len(parts) != self.trainer.world_size:
            raise ConfigError(
                f"The checkpoint lies between two updates of a rollout of {len(parts)} processes, "
                f"and there are {self.trainer.world_size} now; resume with the old number, or from "
                "a checkpoint at the end of an epoch."
            )
        mine = parts[self.trainer.global_rank]
        self._update, self._clips, self._saved = mine["update"], mine["clips"], mine["scored"]

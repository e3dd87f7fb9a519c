"""Learning that depends on the sound: a term for being led by it, rewards beyond silence."""

from abc import ABC
from dataclasses import replace

import torch
from torch import Tensor

from emolit.objectives.base import mean_over_tokens
from emolit.rl.perception import Perception, silence
from emolit.seed import run_seed
from emolit.tasks.rewarded import RewardedTask
from emolit.tasks.totals import weighted_sum
from emolit.types import Outcome, Rollout, ScoredRollout


class HearingTask(RewardedTask, ABC):
    """A task that may compare what is said with what is said without the sound.

    Attributes:
        perception: The term for being led by the sound.
        beyond_silence: Whether only what a response earns beyond the answer to silence is paid.
    """

    perception: Perception
    beyond_silence: bool

    def add_perception(self, outcome: Outcome, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return an outcome whose loss pays for being led by the sound; one pass more.

        Args:
            outcome: Of the objective.
            logprobs: Of the sampled tokens, differentiable. ``[B, G, T]``
            scored: Their rollout, or a part of it.
        """
        if not self.perception.on:
            return outcome
        rollout = scored.rollout
        masked = self.perception.mask(rollout.batch, run_seed(), self.global_step)
        deaf = self.policy.logprobs(replace(rollout, batch=masked))
        nats = mean_over_tokens(self.perception(logprobs, deaf, rollout.mask), scored)
        loss = outcome.loss - self.perception.coefficient * nats
        return Outcome(loss, {**outcome.stats, "perception": nats.detach()})

    @torch.no_grad()  # so that the prefill of the batch itself is kept for the loss
    def worth_of_silence(self, rollout: Rollout) -> Tensor | None:
        """Return what the greedy answer to silence earns. ``[B, 1]``; None where nobody asks.

        0 where no reward applies to the clip.
        """
        if not self.beyond_silence:
            return None
        drawn = self.policy.sample(
            silence(rollout.batch), 1, self.sampling.greedy(), run_seed(), self.global_step
        )
        answered = replace(self.parse_responses(drawn), progress=rollout.progress)
        found = self.reward_more(answered)
        return weighted_sum(self.rewards, found, rollout.progress).nan_to_num()

"""Learning that depends on the sound: a term for being led by it, rewards beyond silence."""

from abc import ABC
from dataclasses import replace

import torch
from torch import Tensor

from emolit.errors import ConfigError
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

    @property
    def breaks_groups(self) -> str | None:
        """What rewards responses outside of their group: the answer to silence, or a gold reply."""
        return "`beyond_silence`" if self.beyond_silence else super().breaks_groups

    def setup(self, stage: str) -> None:
        """Refuse to compare with silence where nothing is heard, or where every step fills a store.

        Raises:
            ConfigError: It is so.
        """
        super().setup(stage)
        asked = "perception" if self.perception.on else "beyond_silence"
        if not (self.perception.on or self.beyond_silence) or stage != "fit":
            return
        if not getattr(self.policy, "hears", True):
            raise ConfigError(
                f"`{asked}` compares with silence, and {type(self.policy).__name__} hears nothing; "
                "leave it out."
            )
        if self.perception.masked < 1 and getattr(self.policy, "store", None) is not None:
            raise ConfigError(
                f"`perception` silences other {self.perception.masked:.0%} of each clip in every "
                "step, all of which the policy's `store` would keep; set `masked` to 1, or leave "
                "`store` out."
            )

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
        drawn = self.draw(silence(rollout.batch), 1, self.sampling.greedy(), run_seed())
        answered = replace(self.parse_responses(drawn), progress=rollout.progress)
        found = self.reward_more(answered)
        return weighted_sum(self.rewards, found, rollout.progress).nan_to_num()

"""Imitation where the group fails: HPT, https://arxiv.org/abs/2509.04419, section 3.

A response succeeds if its total reward reaches a threshold. A clip whose group has more than
``gate`` successes learns from rewards, any other one from its gold reply::

    loss = mean over clips of ( loss_RL if successes > gate else mean over tokens of -log p(y_t) )

Deviations from the paper: what succeeds is a setting, since rewards here are not only 0 and 1. A
KL in the objective counts for all clips.
"""

from dataclasses import replace

import torch
from torch import Tensor

from emolit.advantages.base import reaches
from emolit.demonstrations.base import Demonstrations, Gold, gold_stats
from emolit.errors import ConfigError
from emolit.types import Outcome, ScoredRollout


class HPT(Demonstrations):
    """Imitation in place of reward, clip by clip, where a group fails (arXiv 2509.04419).

    Args:
        success: Least total reward of a response that succeeds.
        gate: Most successes of a group that fails; 0 is the paper's for most models.
        weight: Factor of imitation.

    Raises:
        ConfigError: ``gate`` is below 0, or ``weight`` is not above 0.
    """

    needs_samples = True

    def __init__(self, success: float = 1.0, gate: int = 0, weight: float = 1.0) -> None:
        if gate < 0 or not weight > 0:
            raise ConfigError(
                f"HPT has gate {gate} and weight {weight:g}; choose a gate of 0 or more and a "
                "weight above 0."
            )
        self.success = success
        self.gate = gate
        self.weight = weight

    def check(self, group_size: int) -> None:
        """Refuse a gate that every group fails at."""
        if self.gate >= group_size:
            raise ConfigError(
                f"The `gate` of HPT is {self.gate} and `group_size` {group_size}, so that every "
                "group fails and rewards do nothing; lower the gate."
            )

    def fails(self, scored: ScoredRollout) -> Tensor:
        """Tell which groups have too few successes. ``[B]`` boolean."""
        return reaches(scored.total, self.success).sum(1) <= self.gate

    def select(self, scored: ScoredRollout) -> ScoredRollout:
        """Return the rollout without the advantages of groups that fail."""
        failed = self.fails(scored).unsqueeze(1)
        return replace(scored, advantages=scored.advantages.masked_fill(failed, 0.0))

    def combine(self, loss: Tensor, gold: Gold, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``imitation``, ``imitation_share`` (of clips)."""
        failed = self.fails(scored)
        imitated = gold.mean_over_replies(torch.where(failed, gold.losses, 0.0))
        stats = {**gold_stats(gold), "imitation_share": failed.float().mean()}
        return Outcome(loss + self.weight * imitated, stats)

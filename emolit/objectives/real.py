"""Rewards as labels: REAL, https://arxiv.org/abs/2602.05630.

The update is a classification of responses. With s, the mean log-ratio of a response's tokens, the
responses of a group with a positive advantage, and those with a negative one::

    loss = mean over groups of ( log(1 + sum over positive of exp(-s / tau))
                               + log(1 + sum over negative of exp( s / tau)) )

A response's gradient is bounded by ``1 / tau`` whatever its probability, and no response of a group
can take all of it. The size of an advantage plays no part, its sign does: any advantage that tells
better from worse goes with it.

Deviation: the paper splits a group by rewards of 0 and 1, this by the sign of the advantage, so
that graded rewards work, too. Responses whose advantage is 0, and unscored ones, are left out; a
group counts by its scored responses. The formula is known to us second-hand.
"""

import torch
from torch import Tensor

from emolit.errors import ConfigError
from emolit.objectives.base import Objective, mean_over_responses
from emolit.rl.functional import log_ratio, masked_mean
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class REAL(Objective):
    """Classify responses as better or worse by their likelihood (arXiv 2602.05630).

    Args:
        tau: Temperature; the smaller, the steeper.
        kl: The KL to the reference in the loss, or its coefficient; 0 skips the reference.

    Raises:
        ConfigError: ``tau`` is not above 0.
    """

    signs_alone = True

    def __init__(self, tau: float = 0.5, kl: KL | float = 0.0) -> None:
        super().__init__(kl)
        if not tau > 0:
            raise ConfigError(f"The `tau` of REAL is {tau:g}; it must be above 0.")
        self.tau = tau

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``kl``, ``drift``.

        Raises:
            ConfigError: Advantages shall be weighed, of which only the sign counts.
        """
        if scored.weights is not None:
            raise ConfigError(
                "REAL takes the sign of an advantage alone, so `importance_cap` would do nothing; "
                "leave it out, or choose another objective, such as `GRPO`."
            )
        rollout, mask = scored.rollout, scored.rollout.mask
        moved = masked_mean(log_ratio(logprobs, rollout.behavior, mask), mask, dim=-1) / self.tau
        gains = scored.advantages
        losses = _softplus_of_sum(-moved, gains > 0) + _softplus_of_sum(moved, gains < 0)
        penalty = masked_mean(self.penalty(logprobs, scored), mask, dim=-1)
        loss = mean_over_responses(losses.unsqueeze(1) + penalty, scored)
        return Outcome(loss, self.track(logprobs, scored))


def _softplus_of_sum(values: Tensor, chosen: Tensor) -> Tensor:
    """Return ``log(1 + sum of exp)`` over the chosen of each group. ``[B, G]`` -> ``[B]``."""
    kept = values.masked_fill(~chosen, float("-inf"))
    return torch.nn.functional.pad(kept, (0, 1)).logsumexp(-1)

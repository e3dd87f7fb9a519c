"""REINFORCE++: https://arxiv.org/abs/2501.03262 (version 9), sections 3.1 and 3.2.

PPO without a critic; what is new is the advantage, normalized over the global batch instead of a
group. With the ratio r_t of each token and the advantage A of its response::

    loss = - mean over responses of ( mean over their tokens of
             min( r_t A, clip(r_t, 1 - clip, 1 + clip) A ) )

Two variants, both by settings of the task:

- REINFORCE++: ``advantage: emolit.advantages.standardized_by_batch`` and ``reward_kl`` with the
  estimator ``emolit.rl.functional.k1``.
- with baseline: ``advantage: emolit.advantages.scaled_by_batch`` and ``kl`` in
  this objective, with the estimator ``emolit.rl.functional.k2``.

Deviations from the paper: it takes off a token's reward the KL of this and all later tokens, here
each token bears the KL of its whole response. What came before a token does not depend on it, so
that the expected gradient is the same, with more variance. Log-ratios are clamped, unscored
responses are left out. TRL 1.16 has no such loss type.
"""

from torch import Tensor

from emolit.objectives.base import Objective, mean_over_responses
from emolit.rl.functional import clipped_surrogate, masked_mean, outside, safe_ratio
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class ReinforcePlusPlus(Objective):
    """Clipped surrogate, averaged per response, for batch advantages (arXiv 2501.03262).

    Args:
        clip: Half width of the trust region around ratio 1.
        kl: The KL to the reference in the loss, or its coefficient; 0 skips the reference.
    """

    def __init__(self, clip: float = 0.2, kl: KL | float = 0.0) -> None:
        super().__init__(kl)
        self.clip = clip

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``kl``, ``drift``, ``clipped`` (shares and means over tokens)."""
        mask = scored.rollout.mask
        ratio = safe_ratio(logprobs, scored.rollout.behavior, mask)
        surrogate = clipped_surrogate(ratio, scored.token_advantages, self.clip, self.clip)
        per_token = surrogate - self.penalty(logprobs, scored)
        loss = -mean_over_responses(masked_mean(per_token, mask, dim=-1), scored)
        clipped = masked_mean(outside(ratio, self.clip, self.clip), mask)
        return Outcome(loss, {**self.track(logprobs, scored), "clipped": clipped})

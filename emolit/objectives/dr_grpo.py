"""Dr. GRPO, "GRPO done right": https://arxiv.org/abs/2503.20783, section 3.2.

GRPO's two normalizations favor long wrong answers and questions of little variance. Dr. GRPO drops
both: the advantage keeps its scale, and a response counts by all its tokens. With the ratio r_t of
each token, the advantage A of its response, and the longest response T_max as a constant::

    surrogate_t = min( r_t A, clip(r_t, 1 - clip, 1 + clip) A )
    loss        = - mean over responses of ( sum over their tokens of surrogate_t ) / T_max

Goes with ``advantage: emolit.advantages.centered``; the paper has no KL.

Deviations from the paper: T_max is ``sampling.max_tokens``; the paper's formula has no constant
at all, its code divides by the budget of generation, so that learning rates carry over. Log-ratios
are clamped, unscored responses are left out. Equals TRL 1.16's ``loss_type="dr_grpo"``.
"""

from torch import Tensor

from emolit.objectives.base import Objective, mean_over_responses
from emolit.rl.functional import clipped_surrogate, masked_mean, masked_sum, outside, safe_ratio
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class DrGRPO(Objective):
    """Clipped surrogate, summed per response over a constant (arXiv 2503.20783).

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
        summed = masked_sum(per_token, mask, dim=-1) / scored.rollout.sampling.max_tokens
        loss = -mean_over_responses(summed, scored)
        clipped = masked_mean(outside(ratio, self.clip, self.clip), mask)
        return Outcome(loss, {**self.track(logprobs, scored), "clipped": clipped})

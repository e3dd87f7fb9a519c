"""Group relative policy optimization: DeepSeekMath, https://arxiv.org/abs/2402.03300, eq. 3.

With the ratio r_t = p(o_t) / p_behavior(o_t) of each token and the advantage A of its response::

    surrogate_t = min( r_t A, clip(r_t, 1 - clip, 1 + clip) A )
    k3_t        = p_ref / p - log(p_ref / p) - 1
    loss        = - mean over responses of ( mean over their tokens of ( surrogate_t - kl k3_t ) )

Goes with ``advantage: emolit.advantages.standardized``; the paper's ``kl`` is 0.04.

Deviations from the paper: log-ratios are masked and clamped to [-20, 20] before ``exp``, so that
value and gradient stay finite; the mean over responses leaves out those that no reward scored.
Equals TRL 1.16's ``loss_type="grpo"``.
"""

from torch import Tensor

from emolit.objectives.base import Objective, mean_over_responses
from emolit.rl.functional import clipped_surrogate, masked_mean, outside, safe_ratio
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class GRPO(Objective):
    """Clipped surrogate with a KL penalty, averaged per response (arXiv 2402.03300).

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

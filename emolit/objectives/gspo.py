"""Group sequence policy optimization: GSPO, https://arxiv.org/abs/2507.18071, eq. 5 and 7.

The ratio is that of a whole response, to the power of one over its length, and the same for all
its tokens. With the advantage A of the response::

    s    = exp( mean over tokens of log(p(o_t) / p_behavior(o_t)) )
    loss = - mean over responses of min( s A, clip(s, 1 - low, 1 + high) A )

Goes with ``advantage: emolit.advantages.standardized``. The bounds are the paper's (section 5.1);
they are far narrower than those of a token's ratio and have names of their own.

Deviations from the paper: it leaves out the KL, which here is averaged over the tokens of a
response as in GRPO. Log-ratios are clamped, unscored responses are left out. Equals TRL 1.16's
``loss_type="grpo"`` with ``importance_sampling_level="sequence"``.
"""

from torch import Tensor

from emolit.objectives.base import Objective, mean_over_responses
from emolit.rl.functional import clipped_surrogate, log_ratio, masked_mean, outside
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class GSPO(Objective):
    """Clipped surrogate of each response's length-normalized ratio (arXiv 2507.18071).

    Args:
        sequence_clip_low: How far the ratio of a response may fall below 1.
        sequence_clip_high: How far it may rise above 1.
        kl: The KL to the reference in the loss, or its coefficient; 0 skips the reference.
    """

    def __init__(
        self,
        sequence_clip_low: float = 3e-4,
        sequence_clip_high: float = 4e-4,
        kl: KL | float = 0.0,
    ) -> None:
        super().__init__(kl)
        self.low = sequence_clip_low
        self.high = sequence_clip_high

    def importance(self, scored: ScoredRollout) -> Tensor | None:
        """Return the geometric mean over each response, as its ratio is one. ``[B, G, 1]``."""
        if scored.weights is None:
            return None
        return masked_mean(scored.weights.log(), scored.rollout.mask, dim=-1).exp().unsqueeze(-1)

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``kl``, ``drift`` over tokens, ``clipped`` over responses."""
        mask = scored.rollout.mask
        ratio = masked_mean(log_ratio(logprobs, scored.rollout.behavior, mask), mask, dim=-1).exp()
        gains = scored.weight_advantages(self.importance(scored)).squeeze(-1)
        surrogate = clipped_surrogate(ratio, gains, self.low, self.high)
        penalty = masked_mean(self.penalty(logprobs, scored), mask, dim=-1)
        loss = -mean_over_responses(surrogate - penalty, scored)
        clipped = outside(ratio, self.low, self.high).mean()
        return Outcome(loss, {**self.track(logprobs, scored), "clipped": clipped})

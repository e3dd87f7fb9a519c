"""Clipped importance weights: CISPO, MiniMax-M1, https://arxiv.org/abs/2506.13585, eq. 4 and 5.

A clipped surrogate drops the gradient of tokens whose ratio has left the trust region, often the
rare turns of a chain of thought. CISPO bounds the weight and keeps every gradient. With the ratio
r_t of each token, the advantage A of its response, and sg for "no gradient"::

    loss = - mean over all tokens of sg( min(r_t, cap) ) A log p(o_t)

Goes with ``advantage: emolit.advantages.standardized``; the paper has no KL.

Deviations from the paper: it has a lower bound too, which it sets so low that it never acts; the
upper bound ``cap`` stands here as the ratio itself, not as 1 + epsilon, and its default is that of
"The art of scaling RL compute" (arXiv 2510.13786), since the paper names none. The mean is over
the tokens of the global batch, where the formula divides group by group. Log-ratios are clamped,
unscored responses are left out. Equals TRL 1.16's ``loss_type="cispo"`` but for gradient
accumulation (see DAPO).
"""

from torch import Tensor

from emolit.objectives.base import Objective, mean_over_tokens
from emolit.rl.functional import masked_mean, outside, safe_ratio
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class CISPO(Objective):
    """Policy gradient with capped importance weights, averaged over tokens (arXiv 2506.13585).

    Args:
        cap: Largest weight of a token.
        kl: The KL to the reference in the loss, or its coefficient; 0 skips the reference.
    """

    def __init__(self, cap: float = 5.0, kl: KL | float = 0.0) -> None:
        super().__init__(kl)
        self.cap = cap

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``kl``, ``drift``, ``clipped`` (shares and means over tokens)."""
        mask = scored.rollout.mask
        ratio = safe_ratio(logprobs, scored.rollout.behavior, mask).detach()
        surrogate = ratio.clamp(max=self.cap) * scored.token_advantages * logprobs
        loss = -mean_over_tokens(surrogate - self.penalty(logprobs, scored), scored)
        clipped = masked_mean(outside(ratio, 1.0, self.cap - 1), mask)
        return Outcome(loss, {**self.track(logprobs, scored), "clipped": clipped})

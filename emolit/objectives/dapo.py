"""Decoupled clip and dynamic sampling: DAPO, https://arxiv.org/abs/2503.14476, eq. 8.

With the ratio r_t of each token and the advantage A of its response::

    surrogate_t = min( r_t A, clip(r_t, 1 - clip_low, 1 + clip_high) A )
    loss        = - mean over all tokens of surrogate_t

The wider upper bound ("clip-higher") lets unlikely tokens gain; the mean over tokens lets long
responses count by their length. The paper's other parts hang elsewhere: the soft overlong
punishment is a reward (`emolit.rewards.length`), dynamic sampling is the task's ``redraws``, the
advantage is ``emolit.advantages.standardized``; the paper has no KL.

Deviations from the paper: its formula divides by the tokens of each group and then averages over
prompts; this divides by all tokens of the global batch, as the authors' own training code does,
and TRL. Log-ratios are clamped, unscored responses are left out. Equals TRL 1.16's
``loss_type="dapo"`` but for gradient accumulation, where TRL divides by the tokens of the whole
window, which it has sampled beforehand.
"""

from torch import Tensor

from emolit.objectives.base import Objective, mean_over_tokens
from emolit.rl.functional import clipped_surrogate, masked_mean, outside, safe_ratio
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class DAPO(Objective):
    """Clipped surrogate with a wider upper bound, averaged over tokens (arXiv 2503.14476).

    Args:
        clip_low: How far the ratio of a token may fall below 1.
        clip_high: How far it may rise above 1.
        kl: The KL to the reference in the loss, or its coefficient; 0 skips the reference.
    """

    def __init__(
        self, clip_low: float = 0.2, clip_high: float = 0.28, kl: KL | float = 0.0
    ) -> None:
        super().__init__(kl)
        self.clip_low = clip_low
        self.clip_high = clip_high

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``kl``, ``drift``, ``clipped`` (shares and means over tokens)."""
        mask = scored.rollout.mask
        ratio = safe_ratio(logprobs, scored.rollout.behavior, mask)
        surrogate = clipped_surrogate(ratio, scored.token_advantages, self.clip_low, self.clip_high)
        loss = -mean_over_tokens(surrogate - self.penalty(logprobs, scored), scored)
        clipped = masked_mean(outside(ratio, self.clip_low, self.clip_high), mask)
        return Outcome(loss, {**self.track(logprobs, scored), "clipped": clipped})

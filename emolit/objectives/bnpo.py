"""Beta normalization: BNPO, https://arxiv.org/abs/2506.02864.

The paper's own part is an advantage, ``emolit.advantages.beta_normalized``; with several rewards
it normalizes each (``per_reward``). The loss that goes by its name in TRL is the mean of clipped
surrogates over all tokens of the batch. With the ratio r_t of each token and the advantage A of
its response::

    loss = - mean over all tokens of min( r_t A, clip(r_t, 1 - clip, 1 + clip) A )

Deviations from the paper: it writes the gradient as the mean over responses of A times that of
log p(o), the sum over tokens; dividing by all tokens instead changes its scale by the mean length
of the batch, and nothing else. Log-ratios are clamped, unscored responses are left out. Equals TRL
1.16's ``loss_type="bnpo"`` on one process; on several, TRL divides by the tokens of each process,
so that its loss depends on how the batch is split, this by those of all.
"""

from torch import Tensor

from emolit.objectives.base import Objective, mean_over_tokens
from emolit.rl.functional import clipped_surrogate, masked_mean, outside, safe_ratio
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class BNPO(Objective):
    """Clipped surrogate averaged over tokens, for beta-normalized advantages (arXiv 2506.02864).

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
        loss = -mean_over_tokens(surrogate - self.penalty(logprobs, scored), scored)
        clipped = masked_mean(outside(ratio, self.clip, self.clip), mask)
        return Outcome(loss, {**self.track(logprobs, scored), "clipped": clipped})

"""Group relative policy optimization: DeepSeekMath, https://arxiv.org/abs/2402.03300, eq. 3.

With the ratio r_t = p(o_t) / p_behavior(o_t) of each token and the advantage A of its response::

    surrogate_t = min( r_t A, clip(r_t, 1 - clip, 1 + clip) A )
    k3_t        = p_ref / p - log(p_ref / p) - 1
    loss        = - mean over responses of ( mean over their tokens of ( surrogate_t - kl k3_t ) )

Deviations from the paper: log-ratios are masked and clamped to [-20, 20] before ``exp``, so that
value and gradient stay finite; the mean over responses leaves out those that no reward scored.
"""

import torch
from torch import Tensor

from emolit.functional import k3, masked_mean, masked_sum, safe_ratio
from emolit.objectives.base import Objective
from emolit.types import Outcome, ScoredRollout


class GRPO(Objective):
    """Clipped surrogate with a KL penalty, averaged per response (arXiv 2402.03300).

    Args:
        clip: Half width of the trust region around ratio 1.
        kl: Coefficient of the KL to the reference; 0 skips the reference.
    """

    def __init__(self, clip: float = 0.2, kl: float = 0.04) -> None:
        super().__init__()
        self.clip = clip
        self.kl = kl

    @property
    def needs_reference(self) -> bool:
        """Whether the KL term is on."""
        return self.kl > 0

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``kl``, ``drift``, ``clipped`` (shares and means over tokens)."""
        rollout = scored.rollout
        mask = rollout.mask
        ratio = safe_ratio(logprobs, rollout.behavior, mask)
        advantage = scored.token_advantages
        surrogate = torch.minimum(
            ratio * advantage, ratio.clamp(1 - self.clip, 1 + self.clip) * advantage
        )
        penalty = torch.zeros_like(surrogate)
        stats = {
            "drift": masked_mean(k3(logprobs, rollout.behavior, mask), mask).detach(),
            "clipped": masked_mean(((ratio - 1).abs() > self.clip).float(), mask).detach(),
        }
        if scored.reference is not None:
            penalty = k3(logprobs, scored.reference, mask)
            stats["kl"] = masked_mean(penalty, mask).detach()
        per_response = masked_mean(surrogate - self.kl * penalty, mask, dim=-1)
        loss = -masked_sum(per_response, ~scored.total.isnan()) / scored.count
        return Outcome(loss, stats)

"""REINFORCE with a leave-one-out baseline: RLOO, https://arxiv.org/abs/2402.14740, section 3.

A response is one action. With its ratio r = p(o) / p_behavior(o), the product over its tokens, and
its advantage A, the reward minus the mean reward of the *other* responses to the prompt::

    loss = - mean over responses of min( r A, clip(r, 1 - clip, 1 + clip) A )

At ratio 1 its gradient is the paper's: minus the mean of A times the gradient of log p(o). Goes
with ``advantage: emolit.advantages.leave_one_out``, which must be set; the paper's KL is in the
reward: ``reward_kl`` of the task, with the estimator ``emolit.rl.functional.k1``.

Deviations from the paper: it makes one update a rollout, where ratio and clipping do nothing; they
keep further updates in place, as in the authors' later implementation. The summed log-ratio is
clamped to [-20, 20], unscored responses are left out. Equals TRL 1.16's ``RLOOTrainer``.
"""

from torch import Tensor

from emolit.objectives.base import Objective, mean_over_responses
from emolit.rl.functional import clipped_surrogate, masked_sum, outside, sequence_log_ratio
from emolit.types import Outcome, ScoredRollout


class RLOO(Objective):
    """Clipped surrogate of whole responses as actions (arXiv 2402.14740).

    Args:
        clip: Half width of the trust region around ratio 1.
    """

    def __init__(self, clip: float = 0.2) -> None:
        super().__init__()
        self.clip = clip

    def importance(self, scored: ScoredRollout) -> Tensor | None:
        """Return the product over each response, as its ratio is one. ``[B, G, 1]``."""
        if scored.weights is None:
            return None
        return masked_sum(scored.weights.log(), scored.rollout.mask, dim=-1).exp().unsqueeze(-1)

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``drift`` over tokens, ``clipped`` over responses."""
        rollout = scored.rollout
        ratio = sequence_log_ratio(logprobs, rollout.behavior, rollout.mask).exp().squeeze(-1)
        gains = scored.weight_advantages(self.importance(scored)).squeeze(-1)
        surrogate = clipped_surrogate(ratio, gains, self.clip, self.clip)
        loss = -mean_over_responses(surrogate, scored)
        clipped = outside(ratio, self.clip, self.clip).mean()
        return Outcome(loss, {**self.track(logprobs, scored), "clipped": clipped})

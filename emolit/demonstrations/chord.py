"""Imitation beside reward: CHORD, https://arxiv.org/abs/2508.11408, section 3.

With a share mu that may change over the training, and the gold reply y of each clip::

    loss = (1 - mu) loss_RL - mu mean over tokens of w(p_t) log p(y_t)

CHORD-mu has w = 1. CHORD-phi has w = p_t (1 - p_t), without gradient: tokens that the policy is
sure of, and those that it would never say, count little.

Deviations from the paper: mu follows any `Schedule` of emolit instead of a warm-up with a decay.
The gold replies are those of the very clips of the rollout; the paper draws demonstrations from a
set of their own.
"""

from torch import Tensor

from emolit.demonstrations.base import Demonstrations, Gold, gold_stats
from emolit.errors import ConfigError
from emolit.rl.schedule import Schedule
from emolit.types import Outcome, ScoredRollout


class CHORD(Demonstrations):
    """A share of imitation in the loss (arXiv 2508.11408).

    Args:
        share: mu, 0 to 1, or a schedule of it, such as ``{class_path: LinearFade}``.
        weigh_tokens: Weigh each token of the gold reply by p (1 - p), as CHORD-phi does.

    Raises:
        ConfigError: A share is not in [0, 1].
    """

    def __init__(self, share: float | Schedule = 0.5, weigh_tokens: bool = False) -> None:
        ends = (share.start, share.end) if isinstance(share, Schedule) else (share,)
        if not all(0 <= end <= 1 for end in ends):
            odd = next(end for end in ends if not 0 <= end <= 1)
            raise ConfigError(f"The `share` of CHORD is {odd:g}; it is 0 to 1.")
        self.share = share
        self.weigh_tokens = weigh_tokens

    def combine(self, loss: Tensor, gold: Gold, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``imitation``, ``imitation_share``."""
        progress = scored.rollout.progress
        share = self.share.at(progress) if isinstance(self.share, Schedule) else self.share
        losses = -gold.logprobs
        if self.weigh_tokens:
            sure = gold.logprobs.detach().exp()
            losses = losses * sure * (1 - sure)
        mixed = (1 - share) * loss + share * gold.mean_over_tokens(losses)
        return Outcome(mixed, {**gold_stats(gold), "imitation_share": loss.new_tensor(share)})

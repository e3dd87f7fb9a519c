"""The expected reward over all answers, exactly: for questions with closed, short answers.

With the probability p_k of saying option k of K, and its reward R_k, the expected reward and its
gradient need no samples::

    E    = sum over k of p_k R_k
    loss = - mean over clips of ( E^power - 1 ) / power        log E at power 0

At power 1 this is what every policy gradient estimates. It weights a clip by the probability of its
right answer, so a label that is hard to hear learns little. At power 0 it does not: with a reward
of 1 for the right answer and 0 else, the loss is that of imitation, -log p; with partial credit it
is imitation of a soft kind. Powers between lie between.

Source: the estimator without samples is the "all-action" policy gradient (Sutton et al. 2001,
"Comparing Policy-Gradient Algorithms"); powers as in Box and Cox (1964). Renormalized over the
options, nothing holds the layout of the reply, and mass leaves them; with `renormalize` add gold
replies (`CHORD`).

Everything else that could be said counts as worth 0: that is what an unreadable answer earns.
"""

import torch
from torch import Tensor

from emolit.objectives.over_options import (
    OptionObjective,
    check_worth,
    mean_over_clips,
    option_logs,
)
from emolit.types import Outcome, ScoredRollout


class ExpectedReward(OptionObjective):
    """Expected reward over all options of a clip; goes with `EnumeratedFinetuning`.

    Args:
        power: 1 is the expected reward, 0 its logarithm.
        renormalize: Take p over the options alone, as if nothing else could be said.
    """

    def __init__(self, power: float = 1.0, renormalize: bool = False) -> None:
        super().__init__(renormalize)
        self.power = power

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss.

        Raises:
            RewardError: A reward is below 0, or a clip has none above 0, and ``power`` is not 1.
        """
        logs = option_logs(logprobs, scored.rollout.mask, self.renormalize)
        worth = scored.total.nan_to_num().to(logs.dtype)
        if self.power == 1:
            gains = (logs.exp() * worth).sum(1)
        else:
            check_worth(scored)
            known = ~scored.total.isnan().any(1, keepdim=True)
            log = (logs + torch.where(known, worth, 1.0).log()).logsumexp(1)
            gains = log if self.power == 0 else torch.expm1(self.power * log) / self.power
        return Outcome(-mean_over_clips(gains, scored))

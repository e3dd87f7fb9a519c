"""Cross-entropy to a distribution over the answers, such as the votes of raters.

With the rewards R_k of the K options, and the probability p_k of saying option k::

    q_k  = R_k / (sum over options of R)
    loss = - mean over clips of sum over k of q_k log p_k

With one reward above 0 this is imitation of that answer; with `VoteShare` it is learning from soft
labels (Fayek et al. 2016, "Modeling subjectiveness in emotion recognition with deep neural
networks"). The distribution is over answers, each as one reply of several tokens.
"""

from torch import Tensor

from emolit.objectives.over_options import (
    OptionObjective,
    check_worth,
    mean_over_clips,
    option_logs,
)
from emolit.types import Outcome, ScoredRollout


class SoftLabels(OptionObjective):
    """Cross-entropy to the rewards as a distribution; goes with `EnumeratedFinetuning`.

    Args:
        renormalize: Take p over the options alone, as if nothing else could be said.
    """

    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss.

        Raises:
            RewardError: A reward is below 0, or a clip has none above 0.
        """
        check_worth(scored)
        logs = option_logs(logprobs, scored.rollout.mask, self.renormalize)
        worth = scored.total.nan_to_num().to(logs.dtype)
        wanted = worth / worth.sum(1, keepdim=True).clamp(min=1e-12)
        loss = -mean_over_clips((wanted * logs).sum(1), scored)
        return Outcome(loss)

"""The gold reply as one of the group: LUFFY, https://arxiv.org/abs/2504.14945, section 3.

The gold reply is rewarded like the G sampled ones, and advantages are those of all G + 1. Its
ratio to a policy that always says it is p_t itself, which LUFFY shapes so that unlikely tokens
learn, too. With its advantage A::

    f(p) = p / (p + shaping)
    gain = mean over gold replies of ( mean over their tokens of f(p_t) A )
    loss = ( G loss_RL - gain ) / (G + 1)

Every group then has a reply that is right, so that none is flat because all were wrong.

Deviations from the paper: it divides by the tokens of all replies together. Here the gold replies
are averaged as GRPO averages responses, and weigh one in G + 1 whatever the objective.
"""

from torch import Tensor

from emolit.demonstrations.base import Demonstrations, Gold, gold_stats
from emolit.errors import ConfigError
from emolit.rl.functional import masked_mean
from emolit.types import Outcome, ScoredRollout


class LUFFY(Demonstrations):
    """The gold reply joins its group, with a shaped ratio (arXiv 2504.14945).

    Args:
        shaping: What is added to p in the denominator of f(p); 0.1 is the paper's.

    Raises:
        ConfigError: It is not above 0, so that nothing would be learned from the gold reply.
    """

    in_group = True
    needs_samples = True

    def __init__(self, shaping: float = 0.1) -> None:
        if not shaping > 0:
            raise ConfigError(f"The `shaping` of LUFFY is {shaping:g}; it must be above 0.")
        self.shaping = shaping

    def combine(self, loss: Tensor, gold: Gold, scored: ScoredRollout) -> Outcome:
        """Return the loss and ``imitation``, ``gold_advantage``."""
        assert scored.gold is not None  # `in_group`
        likely = gold.logprobs.exp()
        shaped = masked_mean(likely / (likely + self.shaping), gold.mask, dim=-1)
        learned = gold.mean_over_replies(shaped * scored.gold)
        size = scored.rollout.group_size
        advantage = gold.mean_over_replies(scored.gold)
        stats = {**gold_stats(gold), "gold_advantage": advantage}
        return Outcome((size * loss - learned) / (size + 1), stats)

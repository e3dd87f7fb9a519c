"""RAFT, https://arxiv.org/abs/2304.06767: rejection-sampling finetuning as an advantage."""

from torch import Tensor

from emolit.advantages.base import Advantage, reaches


class Accepted(Advantage):
    """Rejection-sampling finetuning: imitate the responses that are good enough, and no others.

    An accepted response has the advantage N / A, of N scored and A accepted ones in the global
    batch, and any other one 0. With `GRPO` and ``kl: 0``, whose loss divides by N, the gradient is
    then that of supervised finetuning on the accepted responses, each weighing alike::

        - 1/A sum over accepted of ( mean over its tokens of grad log p )

    A group whose responses are all accepted trains like any other; one without an accepted response
    does not. Leave ``redraws`` at 0: it draws all groups of equal rewards again, accepted ones too.

    Source: RAFT (arXiv 2304.06767), which keeps the best response of each prompt (``best``) and
    repeats sampling and finetuning. Deviations: every step samples anew; several best responses of
    one group are all kept; likelihoods are those of sampling (temperature, nucleus).

    Args:
        threshold: Least total reward of an accepted response.
        best: Accept only the best responses of each group, if they reach the threshold.

    Example:
        >>> import torch
        >>> Accepted(threshold=1.0)(torch.tensor([[1.0, 0.0], [1.5, 1.0], [0.0, 0.0]]))
        tensor([[2., 0.],
                [2., 2.],
                [0., 0.]])
    """

    has_threshold = True

    def __init__(self, threshold: float = 1.0, best: bool = False) -> None:
        self.threshold = threshold
        self.best = best

    def __call__(self, rewards: Tensor) -> Tensor:
        """Return the advantages. ``[B, G]``."""
        scored = ~rewards.isnan()
        totals = rewards.masked_fill(~scored, float("-inf"))
        accepted = reaches(totals, self.threshold)
        if self.best:
            accepted &= totals == totals.amax(1, keepdim=True)
        return accepted.to(rewards.dtype) * scored.sum() / accepted.sum().clamp(min=1)

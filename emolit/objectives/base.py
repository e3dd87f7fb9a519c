"""The contract of an objective, and the means that losses are made of.

A mean is a sum divided by a count that the task averaged over processes: averaged over processes
again, as DDP and FSDP2 average gradients, the loss is that of one process with all rows. Under
gradient accumulation each rollout has its own count and rollouts weigh the same, since the next
rollout is sampled only after the gradient of the one before.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from emolit.rl.functional import k3, masked_mean, masked_sum
from emolit.rl.kl import KL
from emolit.types import Outcome, ScoredRollout


class Objective(nn.Module, ABC):
    """Turns the policy's log-probabilities of a scored rollout into one loss.

    Args:
        kl: The KL to the reference in the loss: a `KL`, or the coefficient of a plain one; 0
            skips the reference.
    """

    signs_alone = False
    """Whether the sign of an advantage counts and its size does not."""

    def __init__(self, kl: KL | float = 0.0) -> None:
        super().__init__()
        self.kl = kl if isinstance(kl, KL) else KL(kl)

    @property
    def needs_reference(self) -> bool:
        """Whether the reference must score the rollout too."""
        return self.kl.on

    @abstractmethod
    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss.

        Args:
            logprobs: Of the sampled tokens under the policy, differentiable. ``[B, G, T]``
            scored: Rewards, advantages, behavior and reference log-probabilities.
        """

    def penalty(self, logprobs: Tensor, scored: ScoredRollout) -> Tensor:
        """Return what the KL costs, token by token. ``[B, G, T]``."""
        penalty: Tensor = self.kl(logprobs, scored.reference, scored.rollout)
        return penalty

    def importance(self, scored: ScoredRollout) -> Tensor | None:
        """Return what the advantages are weighed by: training's probability over sampling's.

        Each token has its own ``[B, G, T]``; where a response is one action, or has one ratio, it
        has one weight ``[B, G, 1]``. ``scored.cap`` bounds it.
        """
        return scored.weights

    @torch.no_grad()
    def track(self, logprobs: Tensor, scored: ScoredRollout) -> dict[str, Tensor]:
        """Return what is watched, means over tokens but where a response has one weight.

        - ``drift`` from the policy that sampled, as sampling computed it (k3), in nats.
        - ``kl`` to the reference, in nats, where it is in the loss.
        - ``importance`` and ``importance_capped``, the mean weight and the share above the cap,
          where there are weights.
        """
        rollout, mask = scored.rollout, scored.rollout.mask
        sampled = rollout.behavior if scored.sampled is None else scored.sampled
        stats = {"drift": masked_mean(k3(logprobs, sampled, mask), mask)}
        if self.kl.on and scored.reference is not None:
            nats = self.kl.estimate(logprobs, scored.reference, rollout)
            stats["kl"] = masked_mean(nats, mask)
        weights = self.importance(scored)
        if weights is not None:
            where = mask[..., : weights.shape[-1]]  # the first token is there in every response
            stats["importance"] = masked_mean(weights.clamp(max=scored.cap), where)
            stats["importance_capped"] = masked_mean((weights > scored.cap).float(), where)
        return stats


def mean_over_responses(values: Tensor, scored: ScoredRollout) -> Tensor:
    """Average ``[B, G]`` over the scored responses of all processes."""
    return masked_sum(values, ~scored.total.isnan()) / scored.response_count


def mean_over_tokens(values: Tensor, scored: ScoredRollout) -> Tensor:
    """Average ``[B, G, T]`` over the tokens of all scored responses of all processes."""
    return masked_sum(values, scored.mask) / scored.token_count

"""The contract of demonstrations: what the gold reply of a clip does beside the sampled ones.

The gold reply is the prompt's target, as in supervised finetuning. It is scored as one response
more behind the prompt that the rollout has prefilled, so no second pass over prompt and audio is
needed. It is scored at the temperature of sampling.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from emolit.rl.functional import masked_mean, masked_sum
from emolit.types import Outcome, ScoredRollout


@dataclass(frozen=True)
class Gold:
    """The gold replies of a rollout, one a clip, as the policy scores them.

    Attributes:
        logprobs: Of their tokens under the policy, differentiable. ``[B, T]``
        mask: True on their tokens. ``[B, T]``
        replies: Their number, averaged over processes.
        tokens: Number of their tokens, likewise.
    """

    logprobs: Tensor
    mask: Tensor
    replies: Tensor
    tokens: Tensor

    def mean_over_tokens(self, values: Tensor) -> Tensor:
        """Average ``[B, T]`` over the tokens of all processes."""
        return masked_sum(values, self.mask) / self.tokens

    def mean_over_replies(self, values: Tensor) -> Tensor:
        """Average ``[B]`` over the replies of all processes."""
        return values.sum() / self.replies

    @property
    def loss(self) -> Tensor:
        """Mean negative log-likelihood over tokens, the loss of supervised finetuning."""
        return -self.mean_over_tokens(self.logprobs)

    @property
    def losses(self) -> Tensor:
        """The same, reply by reply. ``[B]``."""
        return -masked_mean(self.logprobs, self.mask, dim=-1)


class Demonstrations(ABC):
    """Adds what gold replies teach to the loss of an objective."""

    in_group = False
    """Whether the gold reply is rewarded and joins its group when advantages are computed."""
    needs_samples = False
    """Whether it counts what was sampled, so that it cannot be used where nothing is."""

    def check(self, group_size: int) -> None:  # noqa: B027  (most have nothing to refuse)
        """Look at the group size before anything is sampled.

        Raises:
            ConfigError: The settings leave nothing to learn from samples.
        """

    def select(self, scored: ScoredRollout) -> ScoredRollout:
        """Return the rollout that the objective sees; by default the whole one."""
        return scored

    @abstractmethod
    def combine(self, loss: Tensor, gold: Gold, scored: ScoredRollout) -> Outcome:
        """Return the loss of the update.

        Args:
            loss: Of the objective, on what :meth:`select` has returned.
            gold: The gold replies.
            scored: The whole rollout; ``scored.gold`` holds the advantages of gold replies that
                join their groups.
        """


@torch.no_grad()
def gold_stats(gold: Gold) -> dict[str, Tensor]:
    """Return what is watched of gold replies: ``imitation``, their mean loss by token."""
    return {"imitation": gold.loss}

"""The contract of an objective."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from emolit.types import Outcome, ScoredRollout


class Objective(nn.Module, ABC):
    """Turns the policy's log-probabilities of a scored rollout into one loss."""

    @property
    @abstractmethod
    def needs_reference(self) -> bool:
        """Whether the reference must score the rollout too."""

    @abstractmethod
    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss.

        Args:
            logprobs: Of the sampled tokens under the policy, differentiable. ``[B, G, T]``
            scored: Rewards, advantages, behavior and reference log-probabilities.
        """

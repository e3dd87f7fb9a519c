"""The contract of a policy."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from torch import Tensor, nn

from emolit.types import Batch, Rollout, Sampling


class Policy(nn.Module, ABC):
    """A model that hears a batch and answers, beside the reference it must not drift from.

    A policy never is in training mode: dropout would make the policy that is scored another one
    than the policy that sampled.
    """

    @abstractmethod
    def build(self, reference: bool, seed: int) -> None:
        """Load the weights; they are not loaded before, so that configs stay cheap to read.

        Args:
            reference: Whether :meth:`reference_logprobs` will be asked for.
            seed: For weights that are new.
        """

    @abstractmethod
    def sample(
        self, batch: Batch, group_size: int, sampling: Sampling, seed: int, step: int
    ) -> Rollout:
        """Draw ``group_size`` responses to each prompt, without gradients.

        Row g of a clip depends on (seed, step, clip, g) and the weights alone.
        """

    @abstractmethod
    def imitate(self, batch: Batch) -> Rollout:
        """Return the batch's target replies as a rollout with one response a prompt."""

    @abstractmethod
    def logprobs(self, rollout: Rollout) -> Tensor:
        """Score the responses under the policy, differentiable. ``[B, G, T]``."""

    @abstractmethod
    def reference_logprobs(self, rollout: Rollout) -> Tensor:
        """Score under the policy as it was given, without gradients. ``[B, G, T]``."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write a folder that other libraries open, safetensors only."""

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever is asked."""
        return super().train(False)

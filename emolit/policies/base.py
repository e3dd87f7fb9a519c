"""The contract of a policy."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from emolit.compat.torch import avoid_cudnn_attention
from emolit.errors import PolicyError
from emolit.rl.groups import join_replies
from emolit.types import Batch, Rollout, Sampling


class Policy(nn.Module, ABC):
    """A model that hears a batch and answers, beside the reference it must not drift from.

    A policy never is in training mode: dropout would make the policy that is scored another one
    than the policy that sampled.
    """

    pictured: bool = False
    """Whether batches have pictures; a task sets it before :meth:`build`."""

    def __init__(self) -> None:
        super().__init__()
        avoid_cudnn_attention()

    @property
    def window(self) -> float | None:
        """Seconds of a clip that are heard; None where there is no limit. Known once built."""
        return None

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
    def encode_targets(self, batch: Batch) -> Rollout:
        """Return the batch's target replies as a rollout with one response a prompt."""

    def encode_responses(
        self, batch: Batch, replies: tuple[tuple[str, ...], ...], sampling: Sampling
    ) -> Rollout:
        """Return given replies as a rollout, as if they had been sampled.

        Args:
            batch: B prompts.
            replies: As many for each prompt, G.
            sampling: How they are scored, and which strings end them.

        Raises:
            PolicyError: This policy cannot be told what to say.
        """
        raise PolicyError(
            f"{type(self).__name__} cannot score given replies, as `OptionProbability` and tasks "
            "that list answers do; leave these out, or write the policy's `encode_responses`."
        )

    @abstractmethod
    def logprobs(self, rollout: Rollout) -> Tensor:
        """Score the responses under the policy, differentiable. ``[B, G, T]``."""

    def branch_logprobs(
        self, rollout: Rollout, replies: Rollout, start: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Score responses, and replies that begin like them, differentiable.

        By default each reply is scored as a whole.

        Args:
            rollout: ``[B, G, T]``
            replies: K for each response, which stand together. ``[B, G * K, T']``
            start: Leading tokens that a response and its replies share. ``[B, G]``

        Returns:
            ``[B, G, T]`` and ``[B, G * K, T']``; what the second holds for shared tokens is not
            told.
        """
        group, length = rollout.tokens.shape[1:]
        found = self.logprobs(join_replies(rollout, replies))
        return found[:, :group, :length], found[:, group:, : replies.tokens.shape[2]]

    @abstractmethod
    def reference_logprobs(self, rollout: Rollout) -> Tensor:
        """Score under the reference, without gradients. ``[B, G, T]``."""

    def expect_sync(self) -> None:
        """Be told, before :meth:`build`, that :meth:`sync_reference` will be asked for.

        Raises:
            PolicyError: This policy's reference cannot move.
        """
        raise PolicyError(
            f"The reference of {type(self).__name__} cannot move; leave the callback "
            "`SyncReference` out, or write the policy's `expect_sync`, `sync_reference` and "
            "`moving_reference`."
        )

    def sync_reference(self, alpha: float) -> None:
        """Move the reference toward the policy, after :meth:`expect_sync` only.

        Args:
            alpha: Share of the policy in the new reference, in (0, 1].
        """
        raise PolicyError(f"{type(self).__name__} was asked to sync and does not know how to.")

    def moving_reference(self) -> list[str]:
        """Return the names of the reference's weights that move, for the checkpoint file."""
        return []

    def check_place(self, device: torch.device, sharded: bool) -> None:  # a hook
        """Refuse settings without effect where the policy is to train; by default none.

        Args:
            device: Where it will be.
            sharded: Whether its weights will be.

        Raises:
            ConfigError: There is such a setting.
        """

    def expect_shards(self) -> None:  # a hook
        """Be told, before :meth:`build`, that :meth:`shard` will follow; by default do nothing."""

    def shard(self, mesh: Any, compute: torch.dtype | None = None) -> None:
        """Shard the weights over the processes of a device mesh, once they are loaded.

        Args:
            mesh: Two axes, as Lightning makes them.
            compute: What the network computes in; None is the precision of its weights.

        Raises:
            PolicyError: This policy cannot.
        """
        raise PolicyError(
            f"{type(self).__name__} cannot be sharded; choose another `trainer.strategy`, such as "
            "ddp."
        )

    def gather_weights(self) -> dict[str, Tensor] | None:
        """Return sharded weights, whole, on the first process; None where nothing is sharded.

        Every process must ask.
        """
        return None

    @abstractmethod
    def save(self, folder: Path, state: dict[str, Tensor] | None = None) -> None:
        """Write a folder that other libraries open, safetensors only.

        Args:
            folder: Where to.
            state: What :meth:`gather_weights` has returned.
        """

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever is asked."""
        return super().train(False)

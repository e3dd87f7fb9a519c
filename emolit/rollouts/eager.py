"""Sampling in the process that trains, by the policy's own network."""

from emolit.policies import Policy
from emolit.rollouts.base import RolloutEngine
from emolit.types import Batch, Rollout, Sampling


class Eager(RolloutEngine):
    """The policy samples by itself: no server, no second copy of the weights.

    A prompt that is computed for sampling serves the loss too, and a frozen tower hears each clip
    once a step.
    """

    def draw(
        self,
        policy: Policy,
        batch: Batch,
        group_size: int,
        sampling: Sampling,
        seed: int,
        step: int,
    ) -> Rollout:
        """Let the policy sample."""
        return policy.sample(batch, group_size, sampling, seed=seed, step=step)

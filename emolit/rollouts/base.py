"""The contract of a rollout engine: the policy's responses, whoever computes them.

A task asks its engine for responses and trains the policy on them. A policy does not know who
samples for it. What an engine says of its tokens (``Rollout.behavior``) is compared with what
training computes for the same tokens under the same weights: an engine that has other weights, or
another prompt, fails silently in every other respect.
"""

from abc import ABC, abstractmethod

from emolit.errors import RolloutError
from emolit.policies import Policy
from emolit.types import Batch, Rollout, Sampling


class RolloutEngine(ABC):
    """Samples for a policy.

    Attributes:
        max_gap: By how many nats a token, on average, engine and training may differ; beyond it the
            run stops. None sets no bound.
        validates: Whether it answers the validations of a training, too.
    """

    max_gap: float | None = None
    validates: bool = False

    def check(self, policy: Policy, sampling: Sampling) -> None:  # noqa: B027  # a hook
        """Refuse what this engine cannot sample, before anything is loaded; by default nothing.

        Args:
            policy: Not built yet.
            sampling: What will be asked for.

        Raises:
            ConfigError: It cannot.
        """

    def start(self) -> None:  # noqa: B027  # a hook
        """Make sure that there is somebody to ask, before anything trains; by default nothing.

        Raises:
            RolloutError: Nobody answers.
        """

    @abstractmethod
    def draw(
        self,
        policy: Policy,
        batch: Batch,
        group_size: int,
        sampling: Sampling,
        seed: int,
        step: int,
    ) -> Rollout:
        """Draw ``group_size`` responses to each prompt by the policy's weights of this moment.

        Every process of a run calls it equally often. Row g of a clip depends on (seed, step,
        clip, g) and the weights alone.

        Args:
            policy: Whose responses they are.
            batch: B prompts.
            group_size: G.
            sampling: Temperature and limits.
            seed: Of the run.
            step: Optimizer step.
        """

    def check_gap(self, gap: float) -> None:
        """Stop a run whose engine is not the policy.

        Args:
            gap: Mean over tokens of what training and engine differ by, in nats, on the process
                where it is largest.

        Raises:
            RolloutError: It is above the bound, or no number.
        """
        if self.max_gap is not None and not gap <= self.max_gap:
            raise RolloutError(
                f"Sampling and training differ by {gap:.2g} nats a token under what should be the "
                f"same weights; `rollouts.max_gap` is {self.max_gap:g}. {self.gap_causes()} If "
                "rounding is all it is, raise `max_gap`."
            )

    def gap_causes(self) -> str:
        """Return in sentences what to look at where the gap is too large."""
        return f"Look at what `{type(self).__name__}` samples with."

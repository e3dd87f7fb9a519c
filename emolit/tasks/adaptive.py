"""Coefficients that follow what they measure, of KLs and entropy bonuses; over a resume too."""

from abc import ABC
from typing import Any

import torch
from torch import Tensor

from emolit.errors import PolicyError
from emolit.objectives.base import mean_over_tokens
from emolit.rl.entropy import AdaptiveEntropyBonus, EntropyBonus
from emolit.rl.functional import masked_sum
from emolit.rl.kl import KL, AdaptiveKL
from emolit.tasks.base import Task
from emolit.tasks.settings import KEY
from emolit.types import Outcome, Rollout, ScoredRollout

Adaptive = AdaptiveKL | AdaptiveEntropyBonus
COEFFICIENTS = "coefficients"
"""Where a checkpoint has them; ``kl`` in files of before."""


class AdaptiveTask(Task, ABC):
    """A task that lets coefficients below it adapt, and keeps them.

    Attributes:
        entropy: The bonus for entropy.
    """

    entropy: EntropyBonus

    def add_entropy_bonus(
        self, outcome: Outcome, logprobs: Tensor, scored: ScoredRollout, new: Rollout | None
    ) -> Outcome:
        """Return an outcome whose loss pays for entropy.

        Args:
            outcome: Of the objective.
            logprobs: Of the sampled tokens, differentiable. ``[B, G, T]``
            scored: Their rollout, or a part of it.
            new: The whole rollout in its first update, which an adaptive bonus follows; else None.

        Raises:
            PolicyError: A bonus shall follow the entropy, and the policy does not tell it.
        """
        if not self.entropy.on:
            return outcome
        stats = dict(outcome.stats)
        if isinstance(self.entropy, AdaptiveEntropyBonus):
            if new is not None:
                self.entropy.adapt(self._mean_entropy(new))
            stats["entropy_coefficient"] = logprobs.new_tensor(self.entropy.coefficient)
        bonus = mean_over_tokens(self.entropy(logprobs, scored.rollout), scored)
        return Outcome(outcome.loss - bonus, stats)

    def _mean_entropy(self, rollout: Rollout) -> float:
        """Return the entropy that tokens were drawn with, averaged over those of all processes."""
        if rollout.entropy is None:
            raise PolicyError(
                f"{type(self.policy).__name__} does not tell the entropy that it draws with, which "
                "an `AdaptiveEntropyBonus` follows; take an `EntropyBonus`, leave `rollouts` out "
                "(servers do not tell it), or let `sample` of the policy return `entropy`."
            )
        nats = masked_sum(rollout.entropy, rollout.mask)
        total, tokens = self.mean_over_processes(torch.stack([nats, rollout.mask.sum()]))
        mean: float = (total / tokens).item()
        return mean

    def step_adaptive_kl(
        self, name: str, kl: KL, logprobs: Tensor, scored: ScoredRollout
    ) -> dict[str, Tensor]:
        """Let an adaptive KL follow its mean over the tokens of all processes; return both."""
        if scored.reference is None or not kl.on:
            return {}
        mask = scored.rollout.mask
        nats = masked_sum(kl.estimate(logprobs, scored.reference, scored.rollout), mask)
        total, tokens = self.mean_over_processes(torch.stack([nats, mask.sum()]))
        if not isinstance(kl, AdaptiveKL):
            return {name: total / tokens}
        kl.adapt((total / tokens).item())
        return {name: total / tokens, f"{name}_coefficient": total.new_tensor(kl.coefficient)}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the coefficients that adapt beside the weights that train."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[COEFFICIENTS] = self.window_state()[COEFFICIENTS]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check the weights; take up the coefficients where the run has left them."""
        super().on_load_checkpoint(checkpoint)
        then, kept = checkpoint.get(KEY, {}), checkpoint.get(COEFFICIENTS, checkpoint.get("kl", {}))
        for name, given in self.overruled_settings().items():
            if then.get(name, given) == given:  # another start is a wish for another price
                module = name.removesuffix(".coefficient")
                each = self._adaptive()[module]
                each.coefficient = kept.get(module, each.coefficient)

    def overruled_settings(self) -> dict[str, Any]:
        """Return what the config says of the coefficients that adapt: where they start."""
        return {f"{name}.coefficient": each.start for name, each in self._adaptive().items()}

    def batch_state(self) -> dict[str, Any]:
        """Return the coefficients that adapt, which move with every batch."""
        now = {name: each.coefficient for name, each in self._adaptive().items()}
        return {COEFFICIENTS: now}

    def _adaptive(self) -> dict[str, Adaptive]:
        return {name: each for name, each in self.named_modules() if isinstance(each, Adaptive)}

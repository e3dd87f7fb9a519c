"""KLs whose coefficient follows what they measure: at each step, and over a resumed run."""

from abc import ABC
from typing import Any

import torch
from torch import Tensor

from emolit.rl.functional import masked_sum
from emolit.rl.kl import KL, AdaptiveKL
from emolit.tasks.base import Task
from emolit.tasks.settings import KEY
from emolit.types import ScoredRollout


class AdaptiveKLTask(Task, ABC):
    """A task that lets the adaptive KLs below it adapt, and keeps their coefficients."""

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
        """Keep the coefficients of adaptive KLs beside the weights that train."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["kl"] = self.window_state()["kl"]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check the weights; take up the coefficients where the run has left them."""
        super().on_load_checkpoint(checkpoint)
        then = checkpoint.get(KEY, {})
        for name, given in self.overruled_settings().items():
            if then.get(name, given) == given:  # another start is a wish for another price
                module = name.removesuffix(".coefficient")
                kl = self._adaptive()[module]
                kl.coefficient = checkpoint.get("kl", {}).get(module, kl.coefficient)

    def overruled_settings(self) -> dict[str, Any]:
        """Return the coefficients of adaptive KLs."""
        return {f"{name}.coefficient": kl.coefficient for name, kl in self._adaptive().items()}

    def batch_state(self) -> dict[str, Any]:
        """Return the coefficients of adaptive KLs, which move with every batch."""
        return {"kl": {name: kl.coefficient for name, kl in self._adaptive().items()}}

    def _adaptive(self) -> dict[str, AdaptiveKL]:
        return {name: kl for name, kl in self.named_modules() if isinstance(kl, AdaptiveKL)}

"""The divergence from the reference: what it costs, how it is estimated, how its cost adapts.

Where a `KL` hangs says where it acts: an objective's ``kl`` is a term of the loss, a task's
``reward_kl`` is taken off the reward before the advantage.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from emolit.errors import ConfigError
from emolit.rl.functional import k3, safe_ratio
from emolit.types import Rollout

Estimator = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From the log-probabilities of policy and reference and the mask to nats, token by token."""


class KL(nn.Module):
    """A fixed price for each nat between policy and reference.

    Args:
        coefficient: The price; 0 skips the reference.
        estimator: Any function of (logprobs, reference, mask), such as ``emolit.rl.functional.k1``,
            ``k2`` or ``k3``, of which all but k1 are of one sign.
        weighted: Multiply each estimate by the ratio of policy to behavior, differentiable. With
            k3 its gradient then is that of the KL itself, on tokens of the behavior policy too
            (DeepSeek-V3.2, arXiv 2512.02556, "unbiased KL estimate"); without, k3 only
            approximates it, and k1 in a loss has none but noise. The ratio is not clipped.

    Raises:
        ConfigError: The coefficient is negative.
    """

    def __init__(
        self, coefficient: float = 0.04, estimator: Estimator = k3, weighted: bool = False
    ) -> None:
        super().__init__()
        if coefficient < 0:
            raise ConfigError(
                f"The coefficient of a KL is {coefficient}, which would pay for drifting away; "
                "choose 0 or more."
            )
        self.coefficient = coefficient
        self.estimator = estimator
        self.weighted = weighted

    @property
    def on(self) -> bool:
        """Whether the reference is asked at all."""
        return self.coefficient > 0

    def estimate(self, logprobs: Tensor, reference: Tensor, rollout: Rollout) -> Tensor:
        """Return nats token by token, whatever stands where the mask is False. ``[B, G, T]``."""
        nats = self.estimator(logprobs, reference, rollout.mask)
        if self.weighted:
            nats = nats * safe_ratio(logprobs, rollout.behavior, rollout.mask)
        return nats

    def forward(self, logprobs: Tensor, reference: Tensor | None, rollout: Rollout) -> Tensor:
        """Return what each token costs; 0 without a reference.

        Args:
            logprobs: Of the sampled tokens under the policy. ``[B, G, T]``
            reference: Under the reference, ``[B, G, T]``; None where it was not asked.
            rollout: Where the tokens come from.

        Returns:
            ``[B, G, T]``
        """
        if reference is None or not self.on:
            return torch.zeros_like(logprobs)
        return self.coefficient * self.estimate(logprobs, reference, rollout)


class AdaptiveKL(KL):
    """A price that rises while the KL lies above a target and falls while it lies below.

    After every training step, and where it hangs in the reward after every rollout, with the error
    e = clip(KL / target - 1, -0.2, 0.2)::

        coefficient <- coefficient (1 + gain e)

    Source: Ziegler et al. 2019, "Fine-tuning language models from human preferences" (arXiv
    1909.08593, section 2.2). Deviation: the KL is the mean over tokens, as the curve shows it,
    not the sum over a response. The coefficient is in the checkpoint.

    Args:
        coefficient: The price at the start.
        target: KL to hold, in nats a token.
        gain: How fast the price moves; with 0.1 by 2% at a time.
        estimator: As for `KL`.
        weighted: As for `KL`.

    Raises:
        ConfigError: The coefficient is 0, which nothing could raise, or the target is not above 0.
    """

    def __init__(
        self,
        coefficient: float = 0.04,
        target: float = 0.05,
        gain: float = 0.1,
        estimator: Estimator = k3,
        weighted: bool = False,
    ) -> None:
        super().__init__(coefficient, estimator, weighted)
        if coefficient == 0 or target <= 0:
            raise ConfigError(
                f"An adaptive KL has coefficient {coefficient} and target {target}; both must be "
                "above 0: the coefficient is multiplied, the KL is divided by the target."
            )
        self.start = coefficient
        self.target = target
        self.gain = gain

    def adapt(self, divergence: float) -> None:
        """Move the price by the mean KL of a rollout, in nats a token, over all processes."""
        error = min(max(divergence / self.target - 1, -0.2), 0.2)
        self.coefficient *= 1 + self.gain * error

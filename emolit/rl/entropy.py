"""A price for being sure: the entropy bonus, fixed or after a target.

The gradient of the entropy of a token's distribution is the mean of ``- log p * grad log p`` over
tokens drawn from it. So the sampled tokens estimate it, without the logits of all others::

    loss <- loss - coefficient * mean over tokens of entropy
    gradient of the bonus, by tokens: - coefficient * log p * grad log p

Deviation from trainers that sum over the vocabulary: the estimate has noise, and costs nothing. As
theirs, it takes the text before a token as given.
"""

import torch
from torch import Tensor, nn

from emolit.errors import ConfigError
from emolit.rl.functional import safe_ratio
from emolit.types import Rollout


class EntropyBonus(nn.Module):
    """A fixed bonus for each nat of entropy of the policy, averaged over tokens.

    Args:
        coefficient: The bonus; 0 leaves it out.

    Raises:
        ConfigError: The coefficient is negative.
    """

    def __init__(self, coefficient: float = 0.01) -> None:
        super().__init__()
        if coefficient < 0:
            raise ConfigError(
                f"The coefficient of the entropy bonus is {coefficient}; choose 0 or more."
            )
        self.coefficient = coefficient

    @property
    def on(self) -> bool:
        """Whether it may ever count."""
        return self.coefficient > 0

    def forward(self, logprobs: Tensor, rollout: Rollout) -> Tensor:
        """Return what has the gradient of the bonus, token by token. ``[B, G, T]``.

        Tokens that an earlier policy has drawn weigh by the ratio of the policies.

        Args:
            logprobs: Of the sampled tokens under the policy, differentiable. ``[B, G, T]``
            rollout: Where they come from.
        """
        now = torch.where(rollout.mask, logprobs.detach(), 0.0)
        weight = safe_ratio(now, rollout.behavior, rollout.mask)
        return -self.coefficient * weight * now * logprobs


class AdaptiveEntropyBonus(EntropyBonus):
    """A bonus that rises while the entropy lies below a target, and falls while it lies above.

    With every rollout the coefficient moves by ``step`` up or down, never below 0.

    Source: Skywork-OR1 (arXiv 2505.22312, "adaptive entropy control"). Deviation: the paper pays
    nothing while the entropy lies above the target; here the coefficient falls to 0 step by step.
    The entropy is that of the distributions that tokens were drawn from, as ``train/entropy`` shows
    it. The coefficient is in the checkpoint.

    Args:
        coefficient: The bonus at the start.
        target: Entropy to hold, in nats a token.
        step: How far the coefficient moves a rollout.

    Raises:
        ConfigError: Target or step is not above 0.
    """

    def __init__(self, coefficient: float = 0.0, target: float = 0.2, step: float = 0.005) -> None:
        super().__init__(coefficient)
        if target <= 0 or step <= 0:
            raise ConfigError(
                f"An adaptive entropy bonus has target {target} and step {step}; both must be "
                "above 0."
            )
        self.start = coefficient
        self.target = target
        self.step = step

    @property
    def on(self) -> bool:
        """It may come to count at any time."""
        return True

    def adapt(self, entropy: float) -> None:
        """Move the coefficient by the mean entropy of a rollout, in nats a token."""
        moved = self.coefficient + (self.step if entropy < self.target else -self.step)
        self.coefficient = max(0.0, moved)

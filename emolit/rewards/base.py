"""The contract of a reward, and the sum of several."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn

from emolit.errors import ConfigError, RewardError
from emolit.prompts import Prompt
from emolit.types import Answer, Clip, Rollout

FAILURES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError, TypeError,
    ValueError,
)  # fmt: skip
"""What code of a reward raises; it goes on as a `RewardError` with the context."""


class Reward(nn.Module, ABC):
    """Scores responses. Override :meth:`score`, or :meth:`score_all` for a batched reward.

    A reward is never in training mode and scores without gradients, whatever model it holds.

    Args:
        weight: Factor in the total; 0 watches without training.
        name: Key in logs and predictions; by default the class name in snake_case.
    """

    def __init__(self, weight: float = 1.0, name: str | None = None) -> None:
        super().__init__()
        self.weight = weight
        self.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()

    @abstractmethod
    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return what a response is worth; None where the reward does not apply to the clip.

        Args:
            clip: What was heard.
            response: What the policy said, without special tokens.
            answer: What the prompt parsed out of it; None if unreadable.
        """

    def prepare(self, prompt: Prompt) -> None:
        """Look at the experiment's prompt before anything is scored.

        Raises:
            ConfigError: The reward and the prompt do not go together.
        """

    @torch.no_grad()
    def forward(self, rollout: Rollout) -> Tensor:
        """Score a whole rollout.

        Returns:
            ``[B, G]`` float32 on the host, NaN where the reward does not apply.

        Raises:
            RewardError: The reward crashed or returned a value that is not finite. A response
                is never silently worth 0.
        """
        self.eval()  # a model that was just put into it may still train
        scores = self.score_all(rollout)
        wanted = (len(rollout.batch), len(rollout.responses[0]) if rollout.responses else 0)
        if tuple(scores.shape) != wanted:
            raise RewardError(
                f"The reward {self.name!r} returned the shape {tuple(scores.shape)} for "
                f"{wanted[0]} clips with {wanted[1]} responses each; return {wanted}."
            )
        scores = scores.detach().float().cpu()
        for row, column in scores.isinf().nonzero().tolist():
            clip, response = rollout.batch.clips[row], rollout.responses[row][column]
            raise RewardError(
                f"The reward {self.name!r} on clip {clip.id!r} of {clip.corpus!r} returned "
                f"{scores[row, column]} for the response {response!r}; return a finite number, "
                "or NaN where the reward does not apply."
            )
        return scores

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``, NaN where the reward does not apply; one response at a time."""
        rows = [
            [
                self.checked(clip, response, answer)
                for response, answer in zip(responses, answers, strict=True)
            ]
            for clip, responses, answers in zip(
                rollout.batch.clips, rollout.responses, rollout.answers, strict=True
            )
        ]
        return torch.tensor(rows, dtype=torch.float32)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever is asked."""
        return super().train(False)

    def checked(self, clip: Clip, response: str, answer: Answer | None) -> float:
        """Return the score of one response, NaN for None, or raise with the whole context."""
        where = f"The reward {self.name!r} on clip {clip.id!r} of {clip.corpus!r}"
        shown = f"for the response {response!r}"
        try:
            value = self.score(clip, response, answer)
        except FAILURES as error:
            raise RewardError(f"{where} failed with {error!r} {shown}; mend the reward.") from error
        if value is None:
            return float("nan")
        try:
            finite = torch.isfinite(torch.tensor(float(value))).item()
        except (TypeError, ValueError, OverflowError) as error:
            raise RewardError(
                f"{where} returned {value!r} {shown}; return a number or None."
            ) from error
        if not finite:
            raise RewardError(f"{where} returned {value} {shown}; return a finite number or None.")
        return float(value)


def check_names(rewards: Sequence[Reward]) -> None:
    """Refuse two rewards of one name, which would share a curve.

    Raises:
        ConfigError: A name stands twice.
    """
    repeated = [name for name, n in Counter(reward.name for reward in rewards).items() if n > 1]
    if repeated:
        raise ConfigError(
            f"Several rewards are called {repeated[0]!r}; give each its own `name` in the config."
        )


def weighted_sum(rewards: Sequence[Reward], scores: dict[str, Tensor]) -> Tensor:
    """Add the scores by weight, leaving out what does not apply.

    Returns:
        ``[B, G]``; NaN where no reward with a weight applies.
    """
    weighted = [reward.weight * scores[reward.name] for reward in rewards if reward.weight]
    if not weighted:
        raise ConfigError("No reward has a weight, so nothing can train; give one a weight.")
    parts = torch.stack(weighted)
    total = parts.nansum(0)
    return total.masked_fill(parts.isnan().all(0), float("nan"))

"""The contract of a reward."""

import re
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from emolit.errors import ConfigError, NonFiniteError, RewardError
from emolit.judges.guard import FAILURES, Guard, attempts, within
from emolit.prompts import Prompt
from emolit.rl.schedule import Schedule
from emolit.types import Answer, Clip, Rollout

Weight = float | Schedule
"""A factor in the total, or how it changes over the training."""
LARGEST = torch.finfo(torch.float32).max
FAILED = float("inf")
"""Stands for a failed response until `Reward.forward` has told failures from None."""


@dataclass(frozen=True)
class Scores:
    """What one reward says of a rollout, on the host.

    Attributes:
        values: NaN where the reward does not apply, and where it failed. ``[B, G]`` float32
        failed: True where it failed and `Guard.on_error` is ``skip``. ``[B, G]``
    """

    values: Tensor
    failed: Tensor


class Reward(nn.Module, ABC):
    """Scores responses. Override :meth:`score`, or take :class:`BatchedReward`.

    A reward is never in training mode and scores without gradients, whatever model it holds. A
    response that stands several times under a clip is scored once.

    Args:
        weight: Factor in the total; 0 watches without training. Or a schedule, such as
            ``{class_path: CosineFade}``.
        name: Key in logs and predictions; by default the class name in snake_case.
        guard: Time limit, how many at once, and what a failure does.
    """

    compares = False
    """Whether what a response is worth depends on the other responses of its group."""
    counted: tuple[str, ...] = ()
    """What the reward counts in ``counts`` while it scores a rollout; each is a curve."""

    def __init__(
        self, weight: Weight = 1.0, name: str | None = None, guard: Guard = Guard()
    ) -> None:
        super().__init__()
        self.weight = weight
        self.name = name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        self.guard = guard
        self.counts: Counter[str] = Counter()

    @abstractmethod
    def score(
        self, clip: Clip, response: str, answer: Answer | None
    ) -> float | Awaitable[float | None] | None:
        """Return what a response is worth; None where the reward does not apply to the clip.

        It may be ``async def``: responses are then scored concurrently.

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

    def open_connections(self) -> AbstractAsyncContextManager[Any]:
        """Return what stays open while an asynchronous reward scores, such as connections."""
        return nullcontext()

    @property
    def counted_names(self) -> tuple[str, ...]:
        """What is counted, the same on all processes: with ``skip`` also what is not scored."""
        return (*self.counted, "unscored") if self.guard.on_error == "skip" else self.counted

    def weight_at(self, progress: float) -> float:
        """Return the factor where a share of the training is over, 0 to 1."""
        return self.weight.at(progress) if isinstance(self.weight, Schedule) else self.weight

    @torch.no_grad()
    def forward(self, rollout: Rollout) -> Scores:
        """Score a whole rollout, outside autocast: rewards compute on the host in their own types.

        Raises:
            RewardError: The reward crashed, was late or returned a value that is not finite, and
                ``guard.on_error`` is not ``skip``; or its shape is wrong. A response is never
                silently worth 0.
        """
        self.eval()  # a model that was just put into it may still train
        self.counts.clear()
        with torch.autocast(rollout.tokens.device.type, enabled=False):
            scores = self.score_or_skip(rollout)
        failed = scores.isinf()
        self.counts["unscored"] = int(failed.sum())
        return Scores(scores.masked_fill(failed, float("nan")), failed)

    def score_or_skip(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``, infinite where a response failed and that is skipped.

        A reward whose unit is neither a response nor a rollout overrides it, with a guard of its
        own around each unit.
        """
        batched = type(self).score_all is not Reward.score_all
        return self._at_once(rollout) if batched else self.score_all(rollout)

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``, NaN where the reward does not apply; each response by itself.

        A batched reward overrides it; an infinite value is a failure.
        """
        calls: dict[tuple[int, str], Any] = {}
        for row, clip in enumerate(rollout.batch.clips):
            pairs = zip(rollout.responses[row], rollout.answers[row], strict=True)
            for response, answer in pairs:
                calls.setdefault((row, response), partial(self.score, clip, response, answer))
        ended = attempts(list(calls.values()), self.guard, self.open_connections())
        values = {
            (row, response): self._value(outcome, rollout.batch.clips[row], response)
            for (row, response), outcome in zip(calls, ended, strict=True)
        }
        rows = [
            [values[row, response] for response in group]
            for row, group in enumerate(rollout.responses)
        ]
        return torch.tensor(rows, dtype=torch.float32)

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode, whatever is asked."""
        return super().train(False)

    def _value(self, outcome: Any, clip: Clip, response: str) -> float:
        """Return the score of one response, NaN for None; or fail with the whole context."""
        where = f"on clip {clip.id!r} of {clip.corpus!r}"
        shown = f" for the response {response!r}"
        if isinstance(outcome, FAILURES):
            return self._fail(f"failed with {outcome!r}", where, f"{shown}; mend it", outcome)
        if outcome is None:
            return float("nan")
        try:
            value = float(outcome)
        except (TypeError, ValueError, OverflowError) as error:
            wanted = f"{shown}; return a number or None"
            return self._fail(f"returned {outcome!r}", where, wanted, error)
        if not abs(value) <= LARGEST:
            wanted = f"{shown}; return a finite number or None"
            return self._fail(f"returned {value}", where, wanted, NonFiniteError(str(value)))
        return value

    def _at_once(self, rollout: Rollout) -> Tensor:
        """Return what a batched reward says, checked."""
        shape = (len(rollout.batch), len(rollout.responses[0]) if rollout.responses else 0)
        try:
            scores = within(self.guard.timeout, partial(self.score_all, rollout))
        except FAILURES as error:
            where = f"on the clips {[clip.id for clip in rollout.batch.clips]}"
            mark = self._fail(f"failed with {error!r}", where, "; mend it", error)
            return torch.full(shape, mark, dtype=torch.float32)
        if tuple(scores.shape) != shape:
            raise RewardError(
                f"The reward {self.name!r} returned the shape {tuple(scores.shape)} for "
                f"{shape[0]} clips with {shape[1]} responses each; return {shape}."
            )
        scores = scores.detach().float().cpu()
        clips, responses = rollout.batch.clips, rollout.responses
        for row, column in scores.isinf().nonzero().tolist():
            self._value(scores[row, column], clips[row], responses[row][column])
        return scores

    def _fail(self, what: str, where: str, after: str, cause: BaseException | None = None) -> float:
        """Stop the run, or say what went wrong and return what marks the response."""
        if self.guard.on_error == "raise":
            kind = NonFiniteError if isinstance(cause, NonFiniteError) else RewardError
            raise kind(f"The reward {self.name!r} {where} {what}{after}.") from cause
        warnings.warn(
            f"The reward {self.name!r} {what}; with `on_error: skip` the response is not scored.",
            stacklevel=2,
        )
        return FAILED


class BatchedReward(Reward):
    """Scores a rollout at once: override :meth:`score_all`."""

    @abstractmethod
    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``, NaN where the reward does not apply to a clip."""

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Refuse: a response by itself is not enough.

        Raises:
            RewardError: Always.
        """
        raise RewardError(f"The reward {self.name!r} scores whole rollouts; call it with one.")


def check_thinking(reward: Reward, prompt: Prompt) -> None:
    """Refuse a prompt that does not ask for thinking.

    Raises:
        ConfigError: Its layout has no think tag.
    """
    if "<think>" not in prompt.layout:
        raise ConfigError(
            f"The reward {reward.name!r} looks for <think>, but the prompt "
            f"{type(prompt).__name__} asks for {prompt.layout!r}; take the reward out or use a "
            "prompt with thinking, such as `Reasoning`."
        )

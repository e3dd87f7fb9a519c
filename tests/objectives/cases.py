"""Scored rollouts out of plain tensors, for tests of objectives."""

from dataclasses import replace

import torch
from torch import Tensor

from emolit.types import Batch, Rollout, Sampling, ScoredRollout

LONGEST = 7
"""`sampling.max_tokens` of every case."""


def scored(
    behavior: Tensor,
    mask: Tensor,
    advantages: Tensor,
    reference: Tensor | None = None,
    total: Tensor | None = None,
) -> ScoredRollout:
    """Return a scored rollout with these tensors and nothing else of interest."""
    shape = mask.shape
    rollout = Rollout(
        Batch((), (), (), (), (), 16_000),
        torch.zeros(shape, dtype=torch.long),
        mask,
        behavior,
        torch.ones(shape[:2], dtype=torch.bool),
        (),
        Sampling(max_tokens=LONGEST),
    )
    return ScoredRollout(rollout, {}, advantages if total is None else total, advantages, reference)


def example(
    seed: int = 0, b: int = 4, g: int = 3, t: int = 5, spread: float = 0.3
) -> tuple[Tensor, ScoredRollout]:
    """Return log-probabilities and a random rollout in float64, rows of different lengths."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    mask = torch.arange(t) < torch.randint(1, t + 1, (b, g, 1), generator=random)
    logprobs = -normal(b, g, t).abs()
    behavior = logprobs + spread * normal(b, g, t)
    reference = logprobs + spread * normal(b, g, t)
    return logprobs.requires_grad_(), scored(behavior, mask, normal(b, g), reference)


def turned(logprobs: Tensor, given: ScoredRollout) -> tuple[Tensor, ScoredRollout]:
    """Return the same rows in another order, in their groups and as groups."""
    rollout = given.rollout
    values = (rollout.behavior, rollout.mask, given.advantages, given.reference, given.total)
    return logprobs.flip(0, 1), scored(*(value.flip(0, 1) for value in values))


def padded(logprobs: Tensor, given: ScoredRollout) -> tuple[Tensor, ScoredRollout]:
    """Return the same with two more columns that hold NaN and are masked out."""
    rollout = given.rollout

    def longer(value: Tensor, filling: float) -> Tensor:
        return torch.nn.functional.pad(value, (0, 2), value=filling)

    nan = float("nan")
    mask = longer(rollout.mask, False)
    behavior, reference = longer(rollout.behavior, nan), longer(given.reference, nan)
    return longer(logprobs, nan), scored(behavior, mask, given.advantages, reference, given.total)


def halves(logprobs: Tensor, given: ScoredRollout) -> list[tuple[Tensor, ScoredRollout]]:
    """Return what two processes see, with the counts that tasks average over them."""
    rollout, middle = given.rollout, len(logprobs) // 2
    parts = [
        (
            logprobs[rows],
            scored(
                rollout.behavior[rows],
                rollout.mask[rows],
                given.advantages[rows],
                given.reference[rows],
                given.total[rows],
            ),
        )
        for rows in (slice(None, middle), slice(middle, None))
    ]
    responses = sum((~part.total.isnan()).sum() for _, part in parts) / 2
    tokens = sum(part.mask.sum() for _, part in parts) / 2
    return [(logs, replace(part, responses=responses, tokens=tokens)) for logs, part in parts]


def gradient(objective: torch.nn.Module, logprobs: Tensor, given: ScoredRollout) -> Tensor:
    """Return the gradient of the loss by the log-probabilities. ``[B, G, T]``."""
    leaf = logprobs.detach().clone().requires_grad_()
    objective(leaf, given).loss.backward()
    return leaf.grad


def on_policy(weight: Tensor, given: ScoredRollout) -> Tensor:
    """Return the policy gradient: minus the advantage of each token times its weight."""
    per_token = given.advantages.unsqueeze(-1) * weight
    return torch.where(given.rollout.mask, -per_token, 0.0)

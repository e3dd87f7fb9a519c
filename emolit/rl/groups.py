"""Groups of a rollout, taken out and put back: what updates skip and what is drawn again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from emolit.types import Batch, Rollout, ScoredRollout

EVERY = 255
"""In ``support``, eight tokens of which each could be drawn; stands behind the end of a row."""


def clips_of(batch: Batch, groups: Sequence[int]) -> Batch:
    """Return some clips of a batch, with the very waveforms."""
    return replace(
        batch,
        clips=_select(batch.clips, groups),
        questions=_select(batch.questions, groups),
        targets=_select(batch.targets, groups),
        waveforms=_select(batch.waveforms, groups),
        frames=_select(batch.frames, groups) if batch.frames else (),
        begun=_select(batch.begun, groups) if batch.begun else (),
    )


def groups_of(rollout: Rollout, groups: Sequence[int]) -> Rollout:
    """Return some groups of a rollout."""
    rows = torch.tensor(groups, device=rollout.tokens.device)
    tensors: dict[str, Any] = {name: value[rows] for name, value in _tensors(rollout).items()}
    return replace(
        rollout,
        **tensors,
        batch=clips_of(rollout.batch, groups),
        responses=_select(rollout.responses, groups),
        answers=_select(rollout.answers, groups) if rollout.answers else (),
    )


def scored_groups_of(scored: ScoredRollout, groups: Sequence[int]) -> ScoredRollout:
    """Return some groups of a scored rollout; the counts that means divide by stay."""
    rows = torch.tensor(groups, device=scored.total.device)
    return replace(
        scored,
        rollout=groups_of(scored.rollout, groups),
        rewards={name: reward[rows] for name, reward in scored.rewards.items()},
        total=scored.total[rows],
        advantages=scored.advantages[rows],
        reference=None if scored.reference is None else scored.reference[rows],
        sampled=None if scored.sampled is None else scored.sampled[rows],
        weights=None if scored.weights is None else scored.weights[rows],
        gold=None if scored.gold is None else scored.gold[rows],
        responses=scored.response_count,
        tokens=scored.token_count,
    )


def join_replies(rollout: Rollout, told: Rollout) -> Rollout:
    """Put other replies behind the responses of each group; they count as drawn from all tokens.

    Args:
        rollout: B groups of G responses.
        told: As many groups, of the same clips; its replies may be longer or shorter.

    Returns:
        ``[B, G + H]`` responses, scored as those of the rollout; the batch stays the very one.
    """
    longest = max(rollout.tokens.shape[2], told.tokens.shape[2])
    others = _tensors(told)
    tensors: dict[str, Any] = {}
    for name, value in _tensors(rollout).items():
        filling = EVERY if name == "support" else 0
        mine = _longer(value, longest, filling)
        if name in others:
            theirs = _longer(others[name], longest, filling)
        else:
            theirs = mine.new_full((len(mine), told.group_size, *mine.shape[2:]), filling)
        tensors[name] = torch.cat([mine, theirs], dim=1)
    pairs = zip(rollout.responses, told.responses, strict=True)
    return replace(rollout, **tensors, responses=tuple(a + b for a, b in pairs), answers=())


def replace_groups(rollout: Rollout, groups: Sequence[int], fresh: Rollout) -> Rollout:
    """Put other responses into some groups; the batch stays the very one.

    Args:
        rollout: B groups.
        groups: Which of them are replaced.
        fresh: As many groups, of the same clips; its responses may be longer or shorter.
    """
    rows = torch.tensor(groups, device=rollout.tokens.device)
    longest = max(rollout.tokens.shape[2], fresh.tokens.shape[2])
    others = _tensors(fresh)
    tensors: dict[str, Any] = {}
    for name, value in _tensors(rollout).items():
        filling = EVERY if name == "support" else 0
        tensors[name] = _longer(value, longest, filling).index_copy(
            0, rows, _longer(others[name], longest, filling)
        )
    return replace(
        rollout,
        **tensors,
        responses=_put(rollout.responses, groups, fresh.responses),
        answers=_put(rollout.answers, groups, fresh.answers) if rollout.answers else (),
    )


def _tensors(rollout: Rollout) -> dict[str, Any]:
    """Return the tensors of a rollout by name; all lead with ``[B, G]``."""
    return {name: value for name, value in vars(rollout).items() if isinstance(value, Tensor)}


def _longer(value: Tensor, length: int, filling: int) -> Tensor:
    """Fill ``[B, G, T, ...]`` up to a length; ``[B, G]`` stays."""
    if value.dim() < 3 or value.shape[2] == length:
        return value
    missing = (*value.shape[:2], length - value.shape[2], *value.shape[3:])
    return torch.cat([value, value.new_full(missing, filling)], dim=2)


def _select(things: tuple[Any, ...], places: Sequence[int]) -> tuple[Any, ...]:
    return tuple(things[place] for place in places)


def _put(
    things: tuple[Any, ...], places: Sequence[int], others: tuple[Any, ...]
) -> tuple[Any, ...]:
    new = list(things)
    for place, other in zip(places, others, strict=True):
        new[place] = other
    return tuple(new)

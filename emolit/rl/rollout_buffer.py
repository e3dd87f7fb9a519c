"""A scored rollout as plain values for a checkpoint, and back.

Both ways go over the fields of the records, so that a field added to them is kept too.
"""

from dataclasses import asdict, fields, replace
from typing import Any

import torch
from torch import Tensor

from emolit.types import Batch, Rollout, Sampling, ScoredRollout


def pack_rollout(scored: ScoredRollout) -> dict[str, Any]:
    """Return all but the batch as dictionaries of tensors on the host, texts and numbers."""
    rollout = scored.rollout
    drawn = {name: _to_device(value, "cpu") for name, value in _values(rollout, "batch").items()}
    parts = {name: _to_device(value, "cpu") for name, value in _values(scored, "rollout").items()}
    given = {"sampling": asdict(rollout.sampling), "begun": rollout.batch.begun}
    return {**parts, "rollout": {**drawn, **given}}


def unpack_rollout(state: dict[str, Any], batch: Batch, device: torch.device) -> ScoredRollout:
    """Undo :func:`pack_rollout`.

    Args:
        state: What it returned.
        batch: The batch of the rollout, loaded again.
        device: Where the tensors shall lie.
    """
    drawn, parts = dict(state["rollout"]), {**state}
    sampling = Sampling(**drawn.pop("sampling"))
    if begun := drawn.pop("begun", ()):
        batch = replace(batch, begun=begun)
    del parts["rollout"]
    rollout = Rollout(batch=batch, sampling=sampling, **_to_device(drawn, device))
    return ScoredRollout(rollout=rollout, **_to_device(parts, device))


def _values(record: Rollout | ScoredRollout, without: str) -> dict[str, Any]:
    """Return the fields of a record but one."""
    return {f.name: getattr(record, f.name) for f in fields(record) if f.name != without}


def _to_device(value: Any, device: torch.device | str) -> Any:
    """Return tensors on a device, and anything else as it is."""
    if isinstance(value, dict):
        return {name: _to_device(inner, device) for name, inner in value.items()}
    return value.to(device) if isinstance(value, Tensor) else value

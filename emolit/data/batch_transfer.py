"""How a loader's worker hands a batch over: its sound as one tensor, its pictures as another.

torch opens a file handle for each tensor that goes from process to process, and a worker that runs
out of them loses the batch: the run would wait for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from multiprocessing.reduction import ForkingPickler
from typing import Any

import torch
from torch import Tensor

from emolit.types import Batch

JOINED = ("waveforms", "frames")
"""Fields of a batch that hold a tensor a clip."""
Joined = tuple[Tensor, tuple[torch.Size, ...]]


def register() -> None:
    """Let processes of Python hand batches over in this way; pickles on disk stay as they are."""
    ForkingPickler.register(Batch, _take_apart)


def _take_apart(batch: Batch) -> tuple[Any, ...]:
    told: dict[str, Any] = {field.name: getattr(batch, field.name) for field in fields(batch)}
    joined = {name: join(told.pop(name)) for name in JOINED}
    return _put_together, (told, joined)


def _put_together(told: Mapping[str, Any], joined: Mapping[str, Joined | None]) -> Batch:
    parts: dict[str, Any] = {name: part(found) for name, found in joined.items()}
    return Batch(**told, **parts)


def join(tensors: Sequence[Tensor]) -> Joined | None:
    """Return tensors of one type as one of one dimension, with their shapes; None for none."""
    if not tensors:
        return None
    shapes = tuple(tensor.shape for tensor in tensors)
    return torch.cat([tensor.reshape(-1) for tensor in tensors]), shapes


def part(joined: Joined | None) -> tuple[Tensor, ...]:
    """Return the tensors that were joined."""
    if joined is None:
        return ()
    flat, shapes = joined
    parts = torch.split(flat, [shape.numel() for shape in shapes])
    return tuple(each.reshape(shape) for each, shape in zip(parts, shapes, strict=True))

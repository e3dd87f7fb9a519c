"""Many clips looked at by many processes, in no order.

The processes are workers of torch's DataLoader, as in training: one that dies is said, and none
draws from the global random stream.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from torch import Generator
from torch.utils.data import DataLoader, Dataset

from emolit.errors import EmolitError
from emolit.types import Clip

Found = TypeVar("Found")
SHARE = 500
"""Clips that are worth a process."""
MOST = 32
"""Processes that a disk is asked by at once."""


def decoding_processes(clips: int) -> int:
    """Return how many processes look at some clips; 0 is this one alone.

    Example:
        >>> decoding_processes(999)
        0
    """
    wanted = min(clips // SHARE, MOST, available_cores())
    return wanted if wanted > 1 else 0


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Looks(Dataset[tuple[int, "Found | EmolitError"]], Generic[Found]):
    """What is seen in each clip; an error is seen, too, so that its sentence arrives whole."""

    def __init__(self, look: Callable[[Clip], Found], clips: Sequence[Clip]) -> None:
        self.look, self.clips = look, clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> "tuple[int, Found | EmolitError]":
        try:
            return index, self.look(self.clips[index])
        except EmolitError as error:
            return index, error


def look_at(
    look: Callable[[Clip], Found], clips: Sequence[Clip], processes: int
) -> Iterator[tuple[int, Found]]:
    """Yield the place of each clip and what is seen in it, as soon as that is known.

    Args:
        look: Looks at one.
        clips: Those to look at.
        processes: How many do so; 0 is this one alone, in the order of the clips.

    Raises:
        EmolitError: The first that `look` raises.
    """
    loader: DataLoader[tuple[int, Found | EmolitError]] = DataLoader(
        _Looks(look, clips),
        batch_size=16,
        num_workers=processes,
        collate_fn=list,
        generator=Generator(),
        in_order=not processes,
    )
    for batch in loader:
        for place, seen in batch:
            if isinstance(seen, EmolitError):
                raise seen
            yield place, seen

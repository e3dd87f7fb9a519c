"""What callbacks share: rehearsals, rows of all processes."""

from typing import TYPE_CHECKING, TypeVar

from torch import distributed

from emolit.compat.lightning import rehearses

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

Row = TypeVar("Row")


def rehearsal(trainer: "Trainer") -> bool:
    """Tell whether this is a ``fast_dev_run``, which must leave what earlier runs wrote alone."""
    return rehearses(trainer)


def gather(rows: list[Row]) -> list[Row]:
    """Return the rows of all processes, in the order of their ranks; every process must call it."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    parts: list[list[Row]] = [[] for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(parts, rows)
    return [row for part in parts for row in part]

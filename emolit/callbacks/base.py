"""What callbacks share: TensorBoard writers, whole files, rehearsals, rows of all processes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar, cast

from torch import distributed

from emolit.compat.lightning import rehearses

if TYPE_CHECKING:
    from lightning.pytorch import Trainer
    from torch.utils.tensorboard import SummaryWriter

Row = TypeVar("Row")


def tensorboard_writers(trainer: "Trainer") -> "list[SummaryWriter]":
    """Return the writer of each TensorBoard logger; empty where the run has none."""
    from lightning.pytorch.loggers import TensorBoardLogger

    found = [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
    return [cast("SummaryWriter", logger.experiment) for logger in found]


def rehearsal(trainer: "Trainer") -> bool:
    """Tell whether this is a ``fast_dev_run``, which must leave what earlier runs wrote alone."""
    return rehearses(trainer)


@contextmanager
def write_atomically(path: Path) -> Iterator[TextIO]:
    """Open a text file beside its place; it moves there once it is complete, else never.

    Args:
        path: Where it shall stand; missing folders are made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def gather(rows: list[Row]) -> list[Row]:
    """Return the rows of all processes, in the order of their ranks; every process must call it."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return rows
    parts: list[list[Row]] = [[] for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(parts, rows)
    return [row for part in parts for row in part]

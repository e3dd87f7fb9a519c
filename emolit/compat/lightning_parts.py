"""Checkpoints of Lightning's that are folders, to which each process has written its part."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch.strategies import DeepSpeedStrategy, FSDPStrategy, ModelParallelStrategy


def saves_in_parts(trainer: Any) -> bool:
    """Tell whether each process writes its part of a checkpoint.

    Relies on the private attribute of ``ModelParallelStrategy`` that holds this argument.
    """
    return bool(getattr(trainer.strategy, "_save_distributed_checkpoint", False))


def reads_parts(trainer: Any) -> bool:
    """Tell whether the strategy opens checkpoints that are folders."""
    return isinstance(trainer.strategy, (ModelParallelStrategy, FSDPStrategy, DeepSpeedStrategy))


@contextmanager
def parts_written_by(write: Callable[[dict[str, Any], Path], None]) -> Iterator[None]:
    """Let something else write the parts of a checkpoint while the block runs.

    Relies on the function by which ``ModelParallelStrategy`` writes them standing in its module.
    """
    module: Any = importlib.import_module("lightning.pytorch.strategies.model_parallel")
    before = module._distributed_checkpoint_save
    module._distributed_checkpoint_save = write
    try:
        yield
    finally:
        module._distributed_checkpoint_save = before

"""Tasks that run a step without a trainer, for benchmarks."""

from types import SimpleNamespace
from typing import Any

from torch import Tensor

from emolit.types import Batch


def detach(task: Any) -> Any:
    """Return a task that is set up for training and logs nothing."""
    task._trainer = SimpleNamespace(precision_plugin=SimpleNamespace(), callbacks=[])
    task.setup("fit")
    task._trainer = None
    task.progress = lambda: 0.0
    task.log_dict = task.log = lambda *_, **__: None
    return task


def make_step(task: Any, batch: Batch, step: int) -> Tensor:
    """Return the loss of a step, after its gradient; that of the step before is gone."""
    type(task).global_step = property(lambda _: step)
    task.policy.zero_grad()
    loss: Tensor = task.training_step(batch, step)["loss"]
    loss.backward()
    return loss

"""A process that dies in the middle of training, without a chance to clean up."""

import json
import multiprocessing
import os
import signal
from functools import wraps
from pathlib import Path
from pydoc import locate
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class Killer(Callback):
    """Send SIGKILL to its own process after so many training batches.

    Args:
        batches: Counted over epochs.
    """

    def __init__(self, batches: int) -> None:
        self.batches = batches

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.batches -= 1
        if self.batches == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class KillerAt(Callback):
    """Counts the calls of functions, and sends SIGKILL to its own process at one of them.

    Args:
        places: Functions and methods, with the modules that hold them.
        target: A JSON file of how often each was called, written at the end of the training.
        place: Where to die; None counts only.
        call: At which call, from 1.
        after: Whether the call is made first.
    """

    def __init__(
        self,
        places: list[str],
        target: str,
        place: str | None = None,
        call: int = 0,
        after: bool = False,
    ) -> None:
        self.target = target
        self.death = (place, call, after)
        self.counts = dict.fromkeys(places, 0)
        for name in places:
            self._watch(name)

    def _watch(self, name: str) -> None:
        holder, _, attribute = name.rpartition(".")
        owner = locate(holder)
        inner = getattr(owner, attribute)

        @wraps(inner)
        def outer(*args: Any, **kwargs: Any) -> Any:
            self.counts[name] += 1
            self._die(name, after=False)
            found = inner(*args, **kwargs)
            self._die(name, after=True)
            return found

        setattr(owner, attribute, outer)

    def _die(self, name: str, after: bool) -> None:
        if self.death == (name, self.counts[name], after):
            os.kill(os.getpid(), signal.SIGKILL)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        Path(self.target).write_text(json.dumps(self.counts))


class WorkerKiller(Callback):
    """Sends SIGKILL to a worker of the training's loader after the second batch."""

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx == 1:
            os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)


class RankFault(Callback):
    """Sends a signal to its own process in one of several ranks, once under torchrun.

    Args:
        send: Its name.
        rank: Where.
        batch: After how many training batches.
        target: Of a file that gets the number of that process; None writes none.
    """

    def __init__(self, send: str, rank: int, batch: int, target: str | None = None) -> None:
        self.signal = signal.Signals[send]
        self.rank = rank
        self.batch = batch
        self.target = target

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        first = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") == "0"
        if first and trainer.global_rank == self.rank and batch_idx + 1 == self.batch:
            if self.target is not None:
                Path(self.target).write_text(str(os.getpid()))
            os.kill(os.getpid(), self.signal)

"""Weights that other programs load: a new folder whenever they have changed, on one process."""

import shutil
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from safetensors import SafetensorError
from torch import Tensor, distributed

from emolit.errors import EmolitError, RolloutError

Result = TypeVar("Result")
State = dict[str, Tensor] | None


@dataclass(frozen=True)
class PublishedWeights:
    """Weights of one moment of one run.

    Attributes:
        name: No other weights have it, of no other run.
        folder: Where they lie.
        adapter: Whether it is an adapter of peft, or a whole model.
    """

    name: str
    folder: str
    adapter: bool


def process_rank() -> int:
    """Return the number of this process, 0 where there is one."""
    return distributed.get_rank() if _together() else 0


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def await_all() -> None:
    """Wait until every process has come here."""
    if _together():
        distributed.barrier()


def on_first_process(run: Callable[[], Result]) -> Result:
    """Run something on the first process alone; every process must call.

    Returns:
        What it returned there.

    Raises:
        EmolitError: What it raised there, on all processes, so that none waits for another.
    """
    if not _together():
        return run()
    told: list[Any] = [None, None]
    if distributed.get_rank() == 0:
        try:
            told[0] = run()
        except (EmolitError, OSError) as error:
            told[1] = error
    distributed.broadcast_object_list(told)
    if told[1] is not None:
        raise told[1]
    result: Result = told[0]
    return result


class Publisher:
    """Writes weights when they have changed since it last did.

    The folder before is removed before the next is written, and the last at the end of the process.

    Args:
        place: Where folders are made.
    """

    def __init__(self, place: str) -> None:
        self.home = Path(place) / f"emolit-{uuid4().hex[:12]}"
        self._written: int | None = None
        self._latest: PublishedWeights | None = None
        self._count = 0

    def check(self) -> None:
        """Look whether folders can be made, before anything is trained.

        Raises:
            RolloutError: They cannot.
        """
        if self._count == 0:
            with self._told():
                self.home.mkdir(parents=True)
                self.home.rmdir()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of what a disk refuses whom it is for, and where else it may go."""
        try:
            yield
        except (OSError, SafetensorError) as error:
            raise RolloutError(
                f"Weights for the servers cannot be written to {self.home}: {error}. Give `folder` "
                "of `rollouts` a place with room for all weights that train, which all servers see "
                "under this path."
            ) from error

    def publish(
        self,
        version: int,
        adapter: bool,
        gather: Callable[[], State],
        save: Callable[[Path, State], None],
        announce: Callable[[PublishedWeights], None],
    ) -> PublishedWeights:
        """Return the weights as published, those of now; every process must call.

        Args:
            version: A number that changes with the weights.
            adapter: Whether an adapter is saved.
            gather: Brings sharded weights together; every process calls it.
            save: Writes what was gathered into a folder that is there.
            announce: Is told of new weights, on the first process.
        """
        found = on_first_process(lambda: self._latest if version == self._written else None)
        if found is not None:
            return found
        state = gather()
        return on_first_process(lambda: self._renew(version, adapter, state, save, announce))

    def _renew(
        self,
        version: int,
        adapter: bool,
        state: State,
        save: Callable[[Path, State], None],
        announce: Callable[[PublishedWeights], None],
    ) -> PublishedWeights:
        if self._count == 0:
            weakref.finalize(self, shutil.rmtree, self.home, ignore_errors=True)
        self._count += 1
        shutil.rmtree(self.home, ignore_errors=True)
        name = f"{self.home.name}-{self._count}"
        folder = self.home / name
        with self._told():
            folder.mkdir(parents=True)
            save(folder, state)
        weights = PublishedWeights(name, str(folder), adapter)
        announce(weights)
        self._written, self._latest = version, weights
        return weights

"""Processes that a run has lost, said as a sentence: workers of its loaders, and other ranks."""

import os
import re
import socket
import sys
import time
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.callbacks.base import gather
from emolit.compat.lightning import end_started

WORKER = re.compile(
    r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\) (?:is killed by signal: (\w+)|)"
)
"""How torch says it, wherever the main process stands."""
RANK = re.compile(
    r"gloo.*(?:closed by peer|reset by peer|refused|broken pipe|tim(?:ed |e)out)|"
    r"NCCL.*(?:remote process exited|connection|tim(?:ed |e)out|aborted)|"
    r"failed to recv, got 0 bytes|client socket has (?:failed|timed out)|waiting for clients",
    re.DOTALL | re.IGNORECASE,
)
"""How the libraries behind torch.distributed say it."""
SETTLING = 5.0
"""Seconds in which a process that is being ended may still look as if it ran."""
STOPPED = ("T", "t", "Z", "X")
"""States of Linux in which a process does nothing more by itself."""


class LostProcess(Callback):
    """Names the ranks that are gone, or stand, where a run ends since one did not answer.

    The ranks of a run tell each other their process and machine at the start. When a collective
    fails, each that is left looks after those on its own machine. The first then ends those that it
    has started: one that is stopped would stay.

    The command ``emolit`` adds it to every run. What it finds are notes of the error.
    """

    def __init__(self) -> None:
        self._places: list[tuple[str, int]] = []

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Tell the others where this rank is."""
        if not self._places:
            self._places = gather([(socket.gethostname(), os.getpid())])

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Name those that are lost."""
        if len(self._places) == 1 or RANK.search(str(exception)) is None:
            return
        others = [each for each in enumerate(self._places) if each[0] != trainer.global_rank]
        end = time.monotonic() + SETTLING
        while time.monotonic() < end and all(is_well(*place) for _, place in others):
            time.sleep(0.1)
        for rank, place in others:
            exception.add_note(f"Rank {rank} ({whereabouts(*place)}.")
        if trainer.is_global_zero:
            end_started(trainer)


def whereabouts(host: str, process: int) -> str:
    """Return what is known of a process, as the end of a sentence behind a bracket.

    Args:
        host: Its machine.
        process: Its number.

    Example:
        >>> whereabouts("elsewhere", 4711)
        'process 4711 on elsewhere) is on another machine: look there'
    """
    named = f"process {process} on {host})"
    if host != socket.gethostname():
        return f"{named} is on another machine: look there"
    state = state_of(process)
    if state is None or state in STOPPED[2:]:
        return f"{named} has ended"
    return f"{named} is {'stopped' if state in STOPPED else 'running'}"


def is_well(host: str, process: int) -> bool:
    """Tell whether nothing is known against a process."""
    return whereabouts(host, process).endswith(("is running", "look there"))


def state_of(process: int) -> str | None:
    """Return the letter that Linux has for the state of a process; None where it is gone.

    Example:
        >>> state_of(2**30)
    """
    try:
        if sys.platform == "linux":
            stat = Path("/proc", str(process), "stat").read_text()
            return stat.rpartition(") ")[2][:1]
        os.kill(process, 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return "R"


def lost(error: BaseException) -> str | None:
    """Return which process a run has lost and what to do; None where another thing is the matter.

    Example:
        >>> said = lost(RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."))
        >>> str(said).partition(".")[0]
        'Process 7, which decodes audio for the run, was ended by a signal (Killed)'
        >>> lost(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    """
    if not isinstance(error, RuntimeError):
        return None
    text = str(error)
    if found := WORKER.search(text):
        how = f"was ended by a signal ({found[2]})" if found[2] else "has ended"
        return (
            f"Process {found[1]}, which decodes audio for the run, {how}. Most often the machine "
            "has no memory left, or none in /dev/shm; `dmesg` says so. Lower "
            "`loading.num_workers`, the number of such processes: 0 needs none."
        )
    if RANK.search(text):
        return (
            "Another rank of the run has ended, or did not answer in time; its own error, if it "
            f"had one, stands above or in its log. ({text.strip().splitlines()[0]})"
        )
    return None

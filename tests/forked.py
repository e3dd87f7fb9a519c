"""The command ``emolit`` in a process that starts in no time, which may be killed or hang.

It is forked from one that has imported everything and computed nothing.
"""

import multiprocessing
import os
import socket
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import torch

from tests.command import emolit

PATIENCE = 900
"""Seconds that a run may take on a busy machine."""


def command(words: list[str], log: Path, environment: dict[str, str]) -> None:
    """Run ``emolit`` in this process, which was forked for it."""
    torch.set_num_threads(1)
    os.environ.pop("EMOLIT_TRACEBACK", None)
    os.environ.update(environment)
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        emolit(*words)
    sys.exit(0)


def start(words: list[object], log: Path, **environment: str) -> ForkServerProcess:
    """Begin a run; what it says is added to a file.

    Args:
        words: Behind ``emolit``.
        log: The file.
        environment: Further variables of its environment.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["emolit.commands.training", "transformers", "safetensors.torch"]
    )
    log.parent.mkdir(exist_ok=True, parents=True)
    process = context.Process(target=command, args=([*map(str, words)], log, environment))
    process.start()
    return process


def status(process: ForkServerProcess, seconds: float = PATIENCE) -> int:
    """Wait for the end of a run; return its status."""
    process.join(timeout=seconds)
    if process.exitcode is None:
        process.kill()
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


class Ranks:
    """Two processes of a run, as torchrun starts them, without its care for them.

    Args:
        folder: Of what they say.
        words: Behind ``emolit``.
    """

    def __init__(self, folder: Path, *words: object) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
        self.logs = [folder / f"log{rank}.txt" for rank in range(2)]
        self.ranks = [
            start([*words], log, LOCAL_RANK=str(rank), NODE_RANK="0", **where)
            for rank, log in enumerate(self.logs)
        ]

    def said(self, rank: int) -> str:
        """Return what one of them has said."""
        return self.logs[rank].read_text()

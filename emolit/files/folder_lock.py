"""A folder, or a file in it, that one process at a time writes to.

The lock is the process's own: it goes with it, however it ends. Processes that it has forked do not
have it. Where the disk or the system knows no locks, nothing is kept from anybody.
"""

import os
import socket
import sys
from pathlib import Path
from typing import TextIO

NAME = ".running"
"""The file in the folder that is locked; it says who has locked it."""
_held: dict[Path, TextIO] = {}


def hold(folder: Path, name: str = NAME) -> str | None:
    """Keep other processes from holding a folder, or something in it.

    Args:
        folder: It is made if it is missing.
        name: Of the file that is locked, one for each thing that is held by itself.

    Returns:
        Who holds it, another process; None where this one does now.
    """
    place = folder.resolve() / name
    if place in _held or sys.platform == "win32":
        return None
    import fcntl

    place.parent.mkdir(parents=True, exist_ok=True)
    file = place.open("a+", encoding="utf-8")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # either may say that it is locked
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        return holder
    except OSError:  # a network disk without locks
        file.close()
        return None
    if not _is_there(file, place):  # whoever held it has just taken the file away
        file.close()
        return hold(folder, name)
    file.truncate(0)
    file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    file.flush()
    _held[place] = file
    return None


def release(folder: Path, name: str = NAME) -> None:
    """Let others hold a folder, or the thing in it, again."""
    place = folder.resolve() / name
    file = _held.pop(place, None)
    if file is not None:
        place.unlink(missing_ok=True)
        file.close()


def _is_there(file: TextIO, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), place.stat())
    except FileNotFoundError:
        return False

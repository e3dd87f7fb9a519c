"""Size and time of change of many files, folder by folder.

A network disk answers a question about one file in a round trip. It tells the attributes of
hundreds of files at once to whoever lists their folder and asks in the order of the listing
(READDIRPLUS of NFS). So files that stand together are asked about together.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

TOGETHER = 8
"""Files of one folder from which on the folder is listed."""
State = tuple[int, int]
"""Size in bytes and time of change in nanoseconds."""


def file_states(files: Iterable[str]) -> dict[str, State]:
    """Return size and time of change of the files that are there; links are followed.

    Args:
        files: Paths; one that no file can have is not there.
    """
    folders: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        folder, name = os.path.split(file)
        folders[folder][name].append(file)  # one file may be spelled in several ways
    found: dict[str, State] = {}
    for folder, names in folders.items():
        listed = _list_states(folder, {*names}) if len(names) >= TOGETHER else {}
        for name in (
            names.keys() - listed.keys()
        ):  # on disks without case a listing has another name
            with suppress(OSError, ValueError):
                listed[name] = _state(os.stat(os.path.join(folder, name)))  # noqa: PTH116, PTH118
        found |= {file: state for name, state in listed.items() for file in names[name]}
    return found


def states_below(folder: Path) -> dict[str, list[int]]:
    """Return size and time of change of each file below a folder, by relative path, as JSON has it.

    Where one was replaced by another, they differ.
    """
    files = {str(path): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        files[name].relative_to(folder).as_posix(): list(state)
        for name, state in file_states(files).items()
    }


def _list_states(folder: str, names: set[str]) -> dict[str, State]:
    """Return what a listing of a folder tells of some names; nothing where it may not be listed."""
    found: dict[str, State] = {}
    with suppress(OSError, ValueError), os.scandir(folder or ".") as entries:
        for entry in entries:
            if entry.name in names:
                with suppress(OSError):
                    found[entry.name] = _state(entry.stat())
    return found


def _state(stat: os.stat_result) -> State:
    return stat.st_size, stat.st_mtime_ns

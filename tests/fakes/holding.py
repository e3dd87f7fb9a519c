"""Another process that holds a folder, or a file in it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

HOLD = """
import sys
from pathlib import Path
from emolit.files.folder_lock import hold, release
print(hold(Path(sys.argv[1]), sys.argv[2]), flush=True)
if sys.stdin.readline():
    release(Path(sys.argv[1]), sys.argv[2])
    print("released", flush=True)
    sys.stdin.readline()
"""
"""Lets go at a line of input, and ends with the input."""


@contextmanager
def hold_elsewhere(folder, name) -> Iterator[subprocess.Popen]:
    """Run it for a block."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "None\n"
        yield process

"""What a process holds and what it held at the most, as Linux tells it."""

import re
from pathlib import Path


def memory_mib(name: str) -> float:
    """Return a figure of this process in MiB.

    Args:
        name: ``VmRSS`` is what it holds, ``VmHWM`` the most since `reset_peak`, ``RssAnon`` what
            it holds without pages of files, which the host can drop and other processes share.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise SystemExit(f"error: this system does not tell {name}; take Linux.")
    return int(found[1]) / 1024


def reset_peak() -> None:
    """Let the peak of this process be what it holds now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")

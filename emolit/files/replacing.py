"""A file or folder that is written beside takes the place of another."""

import shutil
from pathlib import Path


def backup_of(target: Path) -> Path:
    """Return where a file or folder waits while its successor takes its place."""
    return target.with_name(f".{target.name}.old")


def replace_path(beside: Path, target: Path) -> None:
    """Put a file or a folder in the place of another; sharded checkpoints are folders."""
    if not (beside.is_dir() or target.is_dir()):
        beside.replace(target)
        return
    remove_path(backup_of(target))
    if target.exists():
        target.rename(backup_of(target))
    beside.rename(target)
    remove_path(backup_of(target))


def remove_path(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

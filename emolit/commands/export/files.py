"""Which files of a checkpoint are handed on: those that transformers and emolit read."""

import shutil
from collections.abc import Container
from pathlib import Path

from emolit.errors import ConfigError

KINDS = {".json", ".safetensors", ".jinja", ".txt", ".model", ".tiktoken"}
"""Settings, weights, chat templates and vocabularies; no code, and no pickles."""


def copy_files(folder: Path, out: Path, skipped: Container[str]) -> list[str]:
    """Copy a checkpoint into a folder that is not there yet.

    Args:
        folder: Of the checkpoint.
        out: Made here.
        skipped: Names of files that are left out.

    Returns:
        What else was left out, relative to the folder: it is none of what a checkpoint needs.

    Raises:
        ConfigError: A link leads out of the folder.
    """
    left = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.name in skipped:
            continue
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ConfigError(
                f"{path} is a link out of the checkpoint, to {path.resolve()}; put the file itself "
                "there, or remove the link."
            )
        if path.is_dir():
            continue
        if path.suffix.lower() not in KINDS or not path.is_file():
            left.append(str(name))
            continue
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, out / name)
    return left

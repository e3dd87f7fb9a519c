"""Files of a checkpoint that are cut off, empty or something else are told by their names."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from emolit.errors import PolicyError


def check_intact(folder: str | Path) -> None:
    """Look at each file of weights and of settings in a folder; a hub id has none here.

    Of weights the header is read, which says how long the file is.

    Raises:
        PolicyError: Names the first that is damaged.
    """
    for path in sorted(Path(folder).glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt"):
                pass
        except SafetensorError as error:
            raise PolicyError(
                f"{path} has {path.stat().st_size} bytes and holds no whole weights ({error}). Get "
                "the checkpoint again."
            ) from error
    for path in sorted(Path(folder).glob("*config.json")):
        read_object(path)


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object that a file holds.

    Raises:
        PolicyError: It holds none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # also what is no UTF-8
        raise PolicyError(f"{path} is no JSON ({error}). Get the checkpoint again.") from error
    if not isinstance(found, dict):
        raise PolicyError(f"{path} is no JSON object. Get the checkpoint again.")
    return found

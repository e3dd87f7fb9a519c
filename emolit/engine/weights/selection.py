"""What chose the weights of a folder: ``selection.json``, read and said in words.

`AdapterCheckpoint` writes ``monitor``, ``mode``, ``score`` (null where nothing was monitored) and
``step``.
"""

import json
from pathlib import Path
from typing import Any

SELECTION = "selection.json"
"""Says what chose the weights of a folder."""
UNTOUCHED = "the untouched start, which training has not beaten"
"""What weights chosen at step 0 are."""


def selection_of(checkpoint: str | Path) -> dict[str, Any] | None:
    """Return what chose the weights of a checkpoint, a folder or the file beside it.

    None where nothing says it: another project has written them, or an older emolit.
    """
    folder = Path(checkpoint)
    path = (folder.with_suffix("") if folder.suffix == ".ckpt" else folder) / SELECTION
    if not path.is_file():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def selection_text(selection: dict[str, Any]) -> str:
    """Return what chose some weights as words.

    Example:
        >>> selection_text({"monitor": "val/a/UA", "mode": "max", "score": 0.5, "step": 80})
        'val/a/UA 0.500 at step 80'
        >>> selection_text({"monitor": "val/a/UA", "mode": "max", "score": 0.5, "step": 0})
        'val/a/UA 0.500 at step 0, the untouched start, which training has not beaten'
        >>> selection_text({"monitor": None, "mode": None, "score": None, "step": 160})
        'step 160'
    """
    step, score = selection["step"], selection["score"]
    told = "" if score is None else f"{selection['monitor']} {score:.3f} at "
    return f"{told}step {step}" + ("" if step else f", {UNTOUCHED}")


def start_note(checkpoint: dict[str, Any] | None) -> str | None:
    """Return that a tested checkpoint is a start; None where training made it, or nothing tells.

    Args:
        checkpoint: What a report says of it: its ``path`` and its ``selection``.
    """
    selection = (checkpoint or {}).get("selection")
    if not checkpoint or not selection or selection["step"]:
        return None
    return f"{checkpoint['path']} is of step 0: {UNTOUCHED}."

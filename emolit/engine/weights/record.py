"""What a checkpoint folder says about the question that its weights have learned to answer.

``emolit.json`` lies beside the weights: ``prompt`` (class and arguments), ``labels`` in the order
of the options, and ``corpora``, the names of those that were trained on. Other keys may come.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emolit.prompts import Prompt

FILE = "emolit.json"
UNTOUCHED = "the untouched start, which training has not beaten"
"""What weights chosen at step 0 are."""
Record = dict[str, Any]


def record_of(prompt: "Prompt | None", labels: Sequence[str], corpora: Sequence[str]) -> Record:
    """Return what is written of a question.

    Args:
        prompt: Asks.
        labels: K options, in class order.
        corpora: Names of those that are heard.

    Example:
        >>> from emolit.prompts.direct import Direct
        >>> record_of(Direct(), ("angry", "sad"), ("toy",))["prompt"]["class_path"]
        'emolit.prompts.direct.Direct'
    """
    kind = type(prompt)
    asked = prompt and {
        "class_path": f"{kind.__module__}.{kind.__qualname__}",
        "init_args": prompt.arguments,
    }
    found = {"prompt": asked, "labels": list(labels), "corpora": list(corpora)}
    told: Record = json.loads(json.dumps(found, default=repr))  # as it is read back
    return told


def render_record(record: Record) -> str:
    """Return the text of the file."""
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def read_record(checkpoint: str | Path) -> Record | None:
    """Return what a checkpoint says, a folder or the file beside it; None where it says nothing."""
    folder = Path(checkpoint)
    path = (folder.with_suffix("") if folder.suffix == ".ckpt" else folder) / FILE
    if not path.is_file():
        return None
    found: Record = json.loads(path.read_text(encoding="utf-8"))
    return found


def prompt_differs(trained: Record, now: Record) -> str | None:
    """Return how the prompt differs from the one of the training, as words; None where it is it.

    Example:
        >>> def asked(question):
        ...     return {"prompt": {"class_path": "a.Direct", "init_args": {"question": question}}}
        >>> prompt_differs(asked("Well?"), asked("So?"))
        "`question` is 'So?' and was 'Well?'"
        >>> prompt_differs(asked("Well?"), asked("Well?"))
    """
    then, here = trained["prompt"], now["prompt"]
    if not then or not here or then == here:
        return None
    if then["class_path"] != here["class_path"]:
        return f"it is {here['class_path']} and was {then['class_path']}"
    old, new = then["init_args"], here["init_args"]
    odd = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return "; ".join(f"`{name}` is {new.get(name)!r} and was {old.get(name)!r}" for name in odd)


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

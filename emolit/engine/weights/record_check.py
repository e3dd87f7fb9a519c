"""What stands in ``emolit.json`` has the types that it is used with, or is told by its key."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

from emolit.audio.limits import RATES, SHORTEST_WINDOW
from emolit.errors import PolicyError

LONGEST = 80
"""Signs of a value that are shown."""
Check = Callable[[Any], bool]


def is_text(value: Any) -> bool:
    """Tell whether a value is text."""
    return isinstance(value, str)


def is_count(value: Any) -> bool:
    """Tell whether a value is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def are_texts(value: Any) -> bool:
    """Tell whether a value is a list of texts."""
    return isinstance(value, list) and all(map(is_text, value))


def is_node(value: Any) -> bool:
    """Tell whether a value names a class and its arguments."""
    named = isinstance(value, dict) and value.keys() == {"class_path", "init_args"}
    return named and is_text(value["class_path"]) and isinstance(value["init_args"], dict)


def is_object(value: Any) -> bool:
    """Tell whether a value has names."""
    return isinstance(value, dict)


def are_objects(value: Any) -> bool:
    """Tell whether a value has names, and each of its values too."""
    return isinstance(value, dict) and all(map(is_object, value.values()))


def is_window(value: Any) -> bool:
    """Tell whether a value is a length that a model can hear."""
    return is_number(value) and value >= SHORTEST_WINDOW


def is_rate(value: Any) -> bool:
    """Tell whether a value is a sampling rate that recordings have."""
    return is_count(value) and RATES[0] <= value <= RATES[1]


NODE = "an object of `class_path`, a text, and `init_args`, an object"
TEXTS = "a list of texts"
COUNT = "a whole number from 0"
KEYS: dict[str, tuple[Check, str]] = {
    "prompt": (is_node, NODE),
    "labels": (are_texts, TEXTS),
    "corpora": (are_texts, TEXTS),
    "policy": (is_node, NODE),
    "sampling": (is_object, "an object"),
    "window": (is_window, f"a number of seconds from {SHORTEST_WINDOW:g}"),
    "sampling_rate": (is_rate, f"a whole number of Hz from {RATES[0]} to {RATES[1]}"),
    "frames": (is_count, COUNT),
    "base": (is_text, "a text"),
    "licenses": (are_objects, "an object of objects"),
}
NULLABLE = ("prompt", "policy", "sampling", "window", "sampling_rate", "base")
"""What a training may not know, or may not have."""
SAMPLING: dict[str, tuple[Check, str]] = {
    "temperature": (is_number, "a number"),
    "top_p": (is_number, "a number"),
    "top_k": (is_count, COUNT),
    "max_tokens": (is_count, COUNT),
    "stop": (are_texts, TEXTS),
}


def check_record(path: Path, record: dict[str, Any]) -> None:
    """Look at what a record says; keys that are not known are left alone.

    Args:
        path: Of the file, for messages.
        record: What it says.

    Raises:
        PolicyError: Names the first key with another type.
    """
    for key, (good, wanted) in KEYS.items():
        value = record.get(key)
        if key in record and not good(value) and not (value is None and key in NULLABLE):
            raise PolicyError(complaint(path, key, value, wanted))
    sampling: dict[str, Any] | None = record.get("sampling")
    if strange := sorted((sampling or {}).keys() - SAMPLING.keys()):
        raise PolicyError(
            f"`sampling` of {path} has the key {strange[0]!r}; known are {', '.join(SAMPLING)}. "
            "Take the emolit that wrote it, or get the checkpoint again."
        )
    for key, value in (sampling or {}).items():
        good, wanted = SAMPLING[key]
        if not good(value):
            raise PolicyError(complaint(path, f"sampling.{key}", value, wanted))


def complaint(path: Path, key: str, value: Any, wanted: str) -> str:
    """Return what is wrong with a value, as a sentence, and what to do.

    Example:
        >>> complaint(Path("best/emolit.json"), "labels", 3, TEXTS)
        '`labels` of best/emolit.json is 3; it must be a list of texts. Get the checkpoint again.'
    """
    shown = repr(value)[:LONGEST]
    return f"`{key}` of {path} is {shown}; it must be {wanted}. Get the checkpoint again."

"""The classes that a checkpoint names: they are made, but none is taken out of its own folder.

``emolit.json`` names the classes of prompt and policy, and to make one imports its module. Python
looks for modules in the current folder too, which may be a downloaded checkpoint, or lie above one.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emolit.errors import ConfigError

DOTTED = re.compile(r"[^\W\d]\w*+(?:\.\w++)+")


def refuse_own_code(node: Any, folder: Path) -> None:
    """Refuse a node that names a class out of a folder.

    Args:
        node: Class paths and arguments, as ``emolit.json`` has them.
        folder: Of the checkpoint.

    Raises:
        ConfigError: Names the class.
    """
    home = folder.resolve()
    for text in texts_in(node):
        if DOTTED.fullmatch(text) and any(
            place.resolve().is_relative_to(home) for place in places_of(text)
        ):
            raise ConfigError(
                f"{folder} names {text}, whose code lies in that folder, and emolit runs no code "
                "of a checkpoint. If you have read it and trust it, copy it to where you start "
                "emolit."
            )


def texts_in(node: Any) -> Iterator[str]:
    """Yield every text in a value of JSON."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for each in node.values() if isinstance(node, dict) else node:
            yield from texts_in(each)


def places_of(name: str) -> Iterator[Path]:
    """Yield where Python would look for a dotted name and its packages; nothing is imported."""
    top, *below = name.split(".")
    try:
        spec = find_spec(top)
    except ValueError:  # a module without a place, such as __main__
        spec = None
    if spec is None:
        return
    if spec.origin is not None and spec.has_location:
        yield Path(spec.origin)
    for place in spec.submodule_search_locations or ():
        yield from (Path(place, *below[:depth]) for depth in range(len(below)))

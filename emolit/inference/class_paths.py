"""The classes that a checkpoint names: they are made, but none is taken out of its download.

``emolit.json`` names the classes of prompt and policy, and to make one imports its module. Python
looks for modules in the current folder too, which may be a downloaded checkpoint, or lie above one.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from emolit.errors import ConfigError


@contextmanager
def without_code_of(folder: Path) -> Iterator[None]:
    """Import nothing that lies in a checkpoint's folder, or beside it in the same download.

    A download is what lies at the top of the place where Python looks: of ``repo/runs/best`` it is
    all of ``repo``, where one starts above it. A module that was imported before is the user's.

    Args:
        folder: Of the checkpoint.

    Raises:
        ConfigError: Something in the block asked for such a module, whatever came of it.
    """
    finder = _Finder(folder.resolve())
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if finder.refused:
            raise ConfigError(
                f"{folder} names code in {finder.refused[0]}, which came with it, and emolit runs "
                "no code of a checkpoint. If you have read it and trust it, copy it to where you "
                "start emolit."
            )


class _Finder(MetaPathFinder):
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refused: list[Path] = []

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Refuse a module that Python would take out of the download; find nothing."""
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None:
            return None
        file = [spec.origin] if spec.origin is not None and spec.has_location else []
        for place in (*file, *(spec.submodule_search_locations or ())):
            if self._holds(Path(place).resolve()):
                self.refused.append(Path(place))
                raise ImportError(f"{place} came with a checkpoint.")
        return None

    def _holds(self, place: Path) -> bool:
        """Tell whether a file or folder belongs to the download."""
        roots = [Path(entry or ".").resolve() for entry in sys.path]
        found = [root for root in roots if place.is_relative_to(root)]
        root = max(found, key=lambda each: len(each.parts), default=None)
        if root is None or not self.folder.is_relative_to(root):
            return False
        top = self.folder.relative_to(root).parts[:1]
        return place.relative_to(root).parts[: len(top)] == top

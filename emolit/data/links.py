"""Where the files of clips really lie: links are followed, and may not lead out of the corpus.

A table or an archive of a stranger may name, or link to, any file of this machine, which would then
be trained on, shown in a report or sent to a judge.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from emolit.errors import CorpusError
from emolit.types import Clip


class LinkResolver:
    """Follows the links of paths. Each folder is listed once, and no file is looked at."""

    def __init__(self) -> None:
        self._folders: dict[Path, tuple[Path, frozenset[str]]] = {}

    def resolve(self, path: Path) -> Path:
        """Return a path without links and ``..``; one that no file can have stays as it is."""
        if path.parent not in self._folders:
            self._folders[path.parent] = _resolve(path.parent), _links_in(path.parent)
        folder, links = self._folders[path.parent]
        return _resolve(folder / path.name) if path.name in links else folder / path.name


def check_inside(clips: Iterable[Clip], location: Path, homes: Iterable[Path]) -> None:
    """Refuse clips whose files lie elsewhere, by ``..``, as an absolute path, or by a link.

    Args:
        clips: Of a corpus.
        location: What their paths are relative to.
        homes: Folders where files may lie; they may be links themselves.

    Raises:
        CorpusError: Names the clip, and where its file lies.
    """
    links = LinkResolver()
    roots = tuple({_resolve(home) for home in homes})
    for clip in clips:
        for path in filter(None, (clip.path, clip.video)):
            file = links.resolve(location / path)
            if not any(file.is_relative_to(root) for root in roots):
                raise CorpusError(
                    f"The clip {clip.id!r} of {clip.corpus!r} has the file {location / path}, "
                    f"which lies outside of the corpus: it is {file}. If you trust the corpus and "
                    "the link is meant, set `loading.outside_links: true`; else remove it."
                )


def _links_in(folder: Path) -> frozenset[str]:
    """Return the names in a folder that are links; none where no folder can be."""
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if entry.is_symlink())
    except (OSError, ValueError):
        return frozenset()


def _resolve(path: Path) -> Path:
    """Return a path without links; one that no file can have stays as it is."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return path

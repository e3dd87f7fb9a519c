"""Clips as JSONL: the cache of what was read from a release, one clip a line.

The first line is a header with schema version, fingerprint of the release and checksum of the
lines after it. A file whose header does not fit is never used: `load` returns None and the
corpus reads its release again. Writing goes beside the file and is then renamed, so that a
reader sees the old manifest or the new one and nothing between.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from emolit.types import Clip

SCHEMA = 3
"""Raise it when the meaning of a line changes; older manifests are then read anew.

2: votes. 3: words, sentiment, reason, video."""


@dataclass(frozen=True)
class Entry:
    """A clip of a release and whether its audio can be used.

    Attributes:
        clip: The clip, without split.
        problem: Why its audio cannot be used, as a sentence; None if it can.
    """

    clip: Clip
    problem: str | None = None


def cache_folder() -> Path:
    """Return ``$EMOLIT_CACHE``, by default ``~/.cache/emolit``."""
    return Path(os.environ.get("EMOLIT_CACHE") or "~/.cache/emolit").expanduser()


def code(reader: type) -> str:
    """Return a checksum of the file that holds a class: a mended reader reads anew."""
    file = getattr(sys.modules.get(reader.__module__), "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else ""


def fingerprint(folder: Path, files: Iterable[Path]) -> str:
    """Return a checksum of relative names, sizes and modification times.

    Args:
        folder: What the names are relative to.
        files: Any order; a file that does not exist counts as missing.
    """
    lines = sorted(_describe(folder, path) for path in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _describe(folder: Path, path: Path) -> str:
    name = os.path.relpath(path, folder)
    if not path.exists():
        return f"{name}\tmissing"
    stat = path.stat()
    return f"{name}\t{stat.st_size}\t{stat.st_mtime_ns}"


def save(path: Path, entries: Iterable[Entry], release: str) -> None:
    """Write a manifest beside its place, then rename it.

    Args:
        path: Where it shall stand; missing folders are made.
        entries: One line each.
        release: Fingerprint of the release it was read from.
    """
    lines = [json.dumps(asdict(entry), ensure_ascii=False) for entry in entries]
    header = {"schema": SCHEMA, "release": release, "checksum": _checksum(lines)}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        draft.write_text("\n".join([json.dumps(header), *lines]) + "\n", encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def load(path: Path, release: str) -> tuple[Entry, ...] | None:
    """Read a manifest; None where it is missing, damaged, of another schema or release.

    Args:
        path: Where it stands.
        release: Fingerprint that the release has now.
    """
    try:
        first, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        header = json.loads(first)
    except (FileNotFoundError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    if header != {"schema": SCHEMA, "release": release, "checksum": _checksum(lines)}:
        return None
    return tuple(_entry(json.loads(line)) for line in lines)


def kept(
    path: Path, release: str, read: Callable[[], Iterable[Clip]], look: Callable[[Clip], Entry]
) -> tuple[Entry, ...]:
    """Return the entries of a release: those of its manifest, or read anew and saved there.

    Args:
        path: Of the manifest.
        release: What it must have been written for.
        read: Returns the clips, where no such manifest is.
        look: Inspects the audio of a clip; files that could not be used are looked at again.
    """
    known = load(path, release)
    if known is None:
        found = tuple(look(clip) for clip in read())
    else:
        found = tuple(look(entry.clip) if entry.problem else entry for entry in known)
    if found != known:
        save(path, found, release)
    return found


def _checksum(lines: list[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _entry(row: dict[str, Any]) -> Entry:
    clip = row["clip"]
    fields = {**clip, "captions": tuple(clip["captions"]), "words": tuple(clip["words"])}
    return Entry(Clip(**fields), row["problem"])

"""What stands on a disk: files below a folder, names in either spelling, texts that can be read.

A folder that is a link is looked into like any other, and each once: so links that lead in a
circle end, and a copy that is a link is no second copy. Accents in names may be composed (most
systems) or decomposed (made on a Mac); a file is found under both.
"""

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from emolit.errors import CorpusError


def below(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the files and folders below a folder, at any depth, sorted.

    Linked folders come last, so that what stands there itself keeps its own path. A link to a
    folder above is not followed.

    Args:
        folder: One that may be missing; nothing is then below it.
        pattern: What the name of a file must fit, as a shell has it.

    Raises:
        CorpusError: A folder may not be read.
    """
    seen = {_identity(parent) for parent in folder.resolve().parents}
    own, linked, found = [folder] if folder.is_dir() else [], list[Path](), list[Path]()
    while own or linked:
        here = own.pop() if own else linked.pop(0)
        if (identity := _identity(here)) in seen:
            continue
        seen.add(identity)
        for path in _inside(here):
            if fnmatchcase(path.name, pattern):
                found.append(path)
            if _leads(path) and path.is_dir():
                (linked if path.is_symlink() else own).append(path)
    return sorted(found)


def _leads(path: Path) -> bool:
    """Tell whether there is a file or folder; not at a name too long, or links in a circle."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except PermissionError as error:
        raise CorpusError(
            f"The folder {folder} may not be read: {error.strerror}. Change its mode, or move it "
            "out of the corpus."
        ) from error


def compose_accents(name: str) -> str:
    """Return a name with composed accents, by which names are compared."""
    return normalize("NFC", name)


def find_spelling(folder: Path, path: str) -> str | None:
    """Return a path as it is spelled on the disk; None where there is nothing.

    Args:
        folder: What the path is relative to.
        path: With forward slashes; each part of it may be composed or decomposed.
    """
    if _leads(folder / path):
        return path
    found = PurePosixPath()
    for part in PurePosixPath(path).parts:
        forms = (found / form for form in (part, compose_accents(part), normalize("NFD", part)))
        match = next((form for form in forms if _leads(folder / form)), None)
        if match is None:
            return None
        found = match
    return found.as_posix()


def text_of(file: Path, decoded: Callable[[bytes], str] | None = None) -> str:
    """Return the text of a file: UTF-8, with or without a byte order mark.

    Args:
        file: It must be there.
        decoded: What decodes it otherwise, such as `guess_encoding`.

    Raises:
        CorpusError: It may not be read, or is not UTF-8.
    """
    try:
        content = file.read_bytes()
        return content.decode("utf-8-sig") if decoded is None else decoded(content)
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{file} is not UTF-8 at byte {error.start} ({error.reason}). Save it as UTF-8, or get "
            "it again."
        ) from error
    except OSError as error:
        raise CorpusError(f"{file} cannot be read: {error.strerror}. Get it again.") from error


def lines_of(text: str) -> list[str]:
    r"""Return the lines of a text, which end in LF or CR LF and in nothing else.

    Example:
        >>> lines_of("one\u2028still one\r\ntwo\n")
        ['one\u2028still one', 'two', '']
    """
    return [line.removesuffix("\r") for line in text.split("\n")]


def json_of(file: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        CorpusError: It is no JSON, not UTF-8 or nested without end.
    """
    try:
        return json.loads(text_of(file))
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{file} is no JSON ({error}). Mend it, or get it again.") from error


def guess_encoding(content: bytes, otherwise: str = "gb18030") -> str:
    r"""Return a text in UTF-8, UTF-16 or another encoding; stray bytes become U+FFFD.

    Args:
        content: Of the file.
        otherwise: What it is in, if not in Unicode.

    Example:
        >>> [guess_encoding("打远\t中立".encode(name)) for name in ("utf-16", "gb18030")]
        ['打远\t中立', '打远\t中立']
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    if b"\0" in content:
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode(otherwise, "replace")

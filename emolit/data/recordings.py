"""Which recordings someone means by some files, folders, patterns, lists and tables.

Nothing needs a label. A folder stands for all audio and video files below it, a pattern such as
``new/*.wav`` for what it matches. A ``.txt`` file lists a path a line. A table (CSV, TSV, JSONL)
has the column ``path``, and may have ``id``, ``start``, ``end``, ``speaker`` and ``transcript``
(or ``text``); its other columns are not used. Paths in lists and tables are relative to these.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from emolit.audio.container import CONTAINERS
from emolit.data.manifest_rows import file_of, id_of
from emolit.errors import CorpusError
from emolit.files.disk import below, lines_of, text_of
from emolit.files.media import AUDIO
from emolit.files.table import KINDS, read_table
from emolit.types import Clip

LISTS = frozenset({".txt", ".lst"})
"""Extensions of files with a path a line."""


@dataclass(frozen=True)
class Found:
    """Recordings.

    Attributes:
        clips: One a recording; paths are absolute.
        repeated: Number of times that one was named again; it is there once.
        others: Number of files in folders that are neither audio nor video.
    """

    clips: tuple[Clip, ...]
    repeated: int
    others: int


def find_recordings(given: Sequence[str], corpus: str) -> Found:
    """Return the recordings that are meant, in the order in which they were named.

    A file that is named and is not there is one too: it is told with those that are broken.

    Args:
        given: Files, folders, patterns, lists, tables.
        corpus: Name that the clips shall have.

    Raises:
        CorpusError: A folder or pattern holds no recording, or a list or table cannot be read.
    """
    clips: dict[tuple[str, float, float | None], Clip] = {}
    repeated = others = 0
    for text in given:
        found, left = _recordings_of(text, corpus)
        others += left
        for clip in found:
            key = (clip.path, clip.start, clip.end)
            repeated += key in clips
            clips.setdefault(key, clip)
    return Found(tuple(clips.values()), repeated, others)


def _recordings_of(text: str, corpus: str) -> tuple[list[Clip], int]:
    """Return what one word stands for, and the number of files that are no recordings."""
    path = Path(text).expanduser()
    if path.is_dir():
        every = [each for each in below(path) if each.is_file() and not hidden(each, path)]
        found = [each for each in every if each.suffix.lower() in AUDIO | CONTAINERS]
        if not found:
            raise CorpusError(
                f"The folder {text} holds no recording: none of its {len(every)} files is one of "
                f"{', '.join(sorted(AUDIO | CONTAINERS))}. Name another folder, or the files."
            )
        return [_clip(each, corpus) for each in found], len(every) - len(found)
    if path.suffix.lower() in KINDS:
        return list(_rows(path, corpus)), 0
    if path.suffix.lower() in LISTS:
        lines = [line.strip() for line in lines_of(text_of(path))]
        return [_clip(path.parent / line, corpus, line) for line in lines if line], 0
    if not path.exists() and any(sign in text for sign in "*?["):
        base = Path(path.anchor) if path.is_absolute() else Path()
        pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
        matched = sorted(each for each in base.glob(pattern) if each.is_file())
        if not matched:
            raise CorpusError(f"The pattern {text!r} matches no file; correct it.")
        return [_clip(each, corpus) for each in matched], 0
    return [_clip(path, corpus)], 0


def hidden(path: Path, folder: Path) -> bool:
    """Tell whether a path, or a folder on the way to it, has a name that begins with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _clip(path: Path, corpus: str, name: str | None = None) -> Clip:
    return Clip(id=name or path.as_posix(), corpus=corpus, path=path.absolute().as_posix())


def _rows(table: Path, corpus: str) -> Iterator[Clip]:
    top = Path(table.absolute().anchor)
    for row in read_table(table, ("path",)):
        yield Clip(
            id=id_of(row),
            corpus=corpus,
            path=(top / file_of(row, "path", top)).as_posix(),
            speaker=row.text("speaker"),
            transcript=row.text("transcript") or row.text("text"),
            start=row.decimal("start") or 0.0,
            end=row.decimal("end"),
        )

"""Reasoning written for clips, as JSONL: what ``emolit reason`` makes and prompts imitate.

One clip a line: ``{"corpus": …, "id": …, "content": …, "acoustics": …, "summary": …}``.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from emolit.errors import ConfigError, CorpusError
from emolit.files.disk import text_of
from emolit.types import Clip

FIELDS = ("corpus", "id", "content", "acoustics", "summary")


@dataclass(frozen=True)
class Rationale:
    """What is thought about one clip.

    Attributes:
        content: What is said and which words carry emotion.
        acoustics: Pitch, rhythm, speed, volume, voice quality.
        summary: What all of it says together.
    """

    content: str
    acoustics: str
    summary: str

    def __str__(self) -> str:
        """Return all of it as one text."""
        return f"{self.content} {self.acoustics} {self.summary}"


class Rationales:
    """The reasoning of many clips; the file is read when the first is asked for.

    Args:
        path: The JSONL file; None holds no reasoning at all.
    """

    def __init__(self, path: str | None) -> None:
        self.path = path
        self._read: dict[tuple[str, str], Rationale] | None = None

    def find(self, clip: Clip) -> Rationale | None:
        """Return what is thought about a clip; None where there is nothing.

        Raises:
            ConfigError: There is no such file.
            CorpusError: A line of it cannot be read, or a clip stands twice.
        """
        if self.path is None:
            return None
        if self._read is None:
            self._read = read(Path(self.path))
        return self._read.get((clip.corpus, clip.id))


def read(path: Path) -> dict[tuple[str, str], Rationale]:
    """Return the thoughts of a file by corpus and clip.

    Raises:
        ConfigError: There is no such file.
        CorpusError: The file or a line cannot be read, or a clip stands twice.
    """
    if not path.is_file():
        raise ConfigError(
            f"The file of thoughts {path} is missing; write it with emolit reason, or leave "
            "the prompt's `rationales` out."
        )
    found: dict[tuple[str, str], Rationale] = {}
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if not line.strip():
            continue
        row = _fields(line, f"{path}, line {number}")
        key = (row["corpus"], row["id"])
        if key in found:
            raise CorpusError(
                f"{path}, line {number}: the clip {key[1]!r} of {key[0]!r} stands twice; "
                "keep one of its lines."
            )
        found[key] = Rationale(row["content"], row["acoustics"], row["summary"])
    return found


def _fields(line: str, place: str) -> dict[str, str]:
    """Return the fields of one line.

    Raises:
        CorpusError: It is not a JSON object of filled strings under all names.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        raise CorpusError(f"{place} is not JSON ({error}); write the file again.") from error
    values = [row.get(name) for name in FIELDS] if isinstance(row, dict) else [None]
    if not all(isinstance(value, str) and value.strip() for value in values):
        raise CorpusError(f"{place} lacks one of {list(FIELDS)} as text; write the file again.")
    return {name: row[name] for name in FIELDS}

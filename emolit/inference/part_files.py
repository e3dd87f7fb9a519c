"""Answers to windows as they come, so that what broke off goes on.

Beside the output each process appends to a hidden file of its own, ``.answers.csv.rank0.part``, a
window a line of JSON. The first line says what was asked. A run that finds such files answers what
is left; at the end they become the output, and are removed. One run at a time has them.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

from emolit.errors import ConfigError
from emolit.files.folder_lock import hold, release
from emolit.files.json_lines import json_line

Line = dict[str, Any]


class PartFiles:
    """The files that belong to an output.

    Args:
        out: The output.
        asked: What is asked, as JSON has it: a run goes on only where it is the same.
    """

    def __init__(self, out: Path, asked: Mapping[str, Any]) -> None:
        self.out = out
        self.asked = json.loads(json.dumps(asked))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs from the same output while the block runs.

        Raises:
            ConfigError: Another one has it.
        """
        place = self.out.parent, f".{self.out.name}.running"
        holder = hold(*place)
        if holder is not None:
            raise ConfigError(
                f"{self.out} is being written by {holder}; name another --out, or wait for its end."
            )
        try:
            yield
        finally:
            release(*place)

    @property
    def paths(self) -> list[Path]:
        """Those that are there."""
        return sorted(self.out.parent.glob(f".{escape(self.out.name)}.rank*.part"))

    def path(self, rank: int) -> Path:
        """Return the file of a process."""
        return self.out.with_name(f".{self.out.name}.rank{rank}.part")

    def read(self) -> dict[str, Line]:
        """Return the windows that were answered, by id; a line that broke off is none.

        Raises:
            ConfigError: Something else was asked.
        """
        return {line["window"]: line for path in self.paths for line in self._lines(path)}

    def _lines(self, path: Path) -> Iterator[Line]:
        lines = path.read_bytes().split(b"\n")[:-1]  # behind the last break a line broke off
        if not lines:
            return
        try:
            begun, *answers = map(json.loads, lines)
        except ValueError as error:
            raise ConfigError(
                f"{path} holds answers that were kept when a run broke off, and is damaged "
                f"({error}); remove it, and all is asked anew."
            ) from error
        odd = [key for key in self.asked if begun.get(key) != self.asked[key]]
        if odd:
            raise ConfigError(
                f"{path} was begun with another {odd[0]}, {begun.get(odd[0])!r} and not "
                f"{self.asked[odd[0]]!r}; go on as before, name another --out, or remove the file."
            )
        yield from answers

    def open(self, rank: int) -> Any:
        """Open the file of a process, to append lines to; what broke off is cut away."""
        path = self.path(rank)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
        file.seek(0)
        whole = file.read()
        file.truncate(whole.rfind(b"\n") + 1)
        if b"\n" not in whole:
            file.write(json_line(self.asked).encode())
        return file

    def remove(self) -> None:
        """Remove all of them."""
        for path in self.paths:
            path.unlink()

"""Audio that stands inside tables and archives, unpacked once into files beside a table.

Parquet, arrow and tar hold recordings as bytes. Each becomes a file in a folder of the cache, as it
was written, not decoded; a recording that has a file of its own is linked to. Beside them stands a
JSONL table a split, with what else the rows say. So the folder is a release like any other: clips
have paths, audio is checked once and read in any order by several processes. It costs the disk that
the audio takes, a second time where the data set itself is on this disk. To read bytes out of
parquet in the order of training would cost no disk; but each clip of a shuffled epoch would then
decompress a block of some hundred others, and a stream or an archive knows no order but its own.
"""

import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from itertools import islice
from os.path import realpath
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import soundfile
from fsspec import open as open_anywhere

from emolit.compat.datasets import audio_columns, rows_of
from emolit.errors import ConfigError, CorpusError

RECORDING = "__recording__"
"""Column of the tables that holds the path of the recording."""
ARCHIVES = frozenset({"zip", "tar", "gzip", "bz2", "xz", "zstd", "lz4"})
"""What an address may look into, as fsspec names it: ``zip://a.wav::hf://…``."""
REMOTE = frozenset({"hf", "https", "http"})
"""Where an address may lead; ``file`` and its kin would lead to any file of this machine."""


def unpack(
    splits: Mapping[str, Any], place: Path, source: str, audio: str | None, take: int | None
) -> None:
    """Write the recordings of a data set, and a table a split, into a folder; all of it or nothing.

    Another process that does the same is waited for. What an earlier try left is removed.

    Args:
        splits: By name, as `emolit.compat.datasets` opens them.
        place: The folder to be.
        source: The data set, for messages; paths of recordings are relative to it.
        audio: Column of the audio; None takes the only one.
        take: Number of first rows of each split; None takes all.

    Raises:
        ConfigError: There is no such column.
        CorpusError: The data set cannot be read to its end, or the folder cannot be written.
    """
    from filelock import FileLock  # comes with `datasets`

    draft = place.with_name(f".{place.name}.part")
    columns = {name: _audio_column(split, source, audio) for name, split in splits.items()}
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_name(f".{place.name}.lock")):
            if place.is_dir():
                return
            shutil.rmtree(draft, ignore_errors=True)
            written = [
                _write_split(islice(rows_of(split), take), draft, name, columns[name], source)
                for name, split in splits.items()
            ]
            if not sum(written):
                raise CorpusError(f"The data set {source} has no rows. Name another one.")
            draft.replace(place)
    except (OSError, ValueError, tarfile.TarError) as error:
        raise CorpusError(
            f"The data set {source} cannot be unpacked into {place}: {error}. If there is no room, "
            "set EMOLIT_CACHE to a folder that has some, or `take` fewer rows; else mend the data "
            "set, or get it again."
        ) from error


def _audio_column(split: Any, source: str, audio: str | None) -> str:
    there = [*(split.features or {})]
    found = audio_columns(split) if audio is None else [audio]
    if len(found) == 1 and (not there or found[0] in there):
        return found[0]
    raise ConfigError(
        f"The data set {source} has {len(found)} columns of audio {found}; name one of {there} as "
        "`audio`."
        if audio is None
        else f"The data set {source} has no column {audio!r} for `audio`; it has {there}."
    )


def _write_split(
    rows: Iterable[Mapping[str, Any]], folder: Path, split: str, audio: str, source: str
) -> int:
    """Write the recordings and the table of a split, unless it is empty; return how many."""
    (folder / split).mkdir(parents=True, exist_ok=True)
    count = 0
    with (folder / f"{split}.jsonl").open("w", encoding="utf-8", newline="\n") as table:
        for count, row in enumerate(rows, start=1):
            said = plain_fields({key: value for key, value in row.items() if key != audio})
            said[RECORDING] = _write_recording(row[audio], folder, f"{split}/{count:07}", source)
            table.write(json.dumps(said, ensure_ascii=False) + "\n")
    if not count:
        (folder / f"{split}.jsonl").unlink()
    return count


def _write_recording(value: Any, folder: Path, stem: str, source: str) -> str:
    """Write or link a recording and return its path; that of nothing is an empty file.

    An empty file is bad audio, which is told or counted like any other.
    """
    stored = value if isinstance(value, Mapping) else {}
    if stored.get("array") is not None:
        path = f"{stem}.wav"
        samples = np.asarray(stored["array"], dtype=np.float32)
        soundfile.write(folder / path, samples, int(stored["sampling_rate"]), subtype="FLOAT")
        return path
    content = value if isinstance(value, bytes) else stored.get("bytes")
    name = value if isinstance(value, str) else stored.get("path") or ""
    suffix = PurePosixPath(name.split("::")[0]).suffix.lower()
    path = stem + (suffix if re.fullmatch(r"\.\w{1,5}", suffix) else "")
    above = Path(source) if Path(source).is_dir() else Path(source).parent
    if content is None and "://" in name:
        _check_address(name, above)
        with open_anywhere(name, "rb") as remote, (folder / path).open("wb") as file:
            shutil.copyfileobj(remote, file)
    elif content is None and name:
        (folder / path).symlink_to((above / name).absolute())
    else:
        (folder / path).write_bytes(content or b"")
    return path


def _check_address(address: str, above: Path) -> None:
    """Refuse an address of a row that leads neither to the network nor below the data set."""
    *archives, place = address.split("::")
    scheme, parted, _ = place.partition("://")
    inside = Path(realpath(place)).is_relative_to(realpath(above))
    outer = {archive.partition("://")[0] for archive in archives}
    if not outer <= ARCHIVES or not (scheme in REMOTE if parted else inside):
        raise CorpusError(
            f"A row has its audio at {address!r}, which is not below {above} and none of "
            f"{', '.join(sorted(REMOTE))}. Correct the row, or put the audio into the data set."
        )


def plain_fields(row: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return a row as JSON has it: what is inside of a field has a name with a dot; bytes go.

    Example:
        >>> plain_fields({"json": {"emotion": "sad", "raters": [1, 2]}, "png": b"..."})
        {'json.emotion': 'sad', 'json.raters': [1, 2]}
    """
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            found |= plain_fields(value, f"{above}{key}.")
        elif not isinstance(value, bytes):
            simple = value is None or isinstance(value, str | int | float | list)
            found[f"{above}{key}"] = value if simple else str(value)
    return found

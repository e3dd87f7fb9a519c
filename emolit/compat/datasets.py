"""What emolit takes from Hugging Face's `datasets`: rows whose audio is as it was written.

`datasets` decodes and encodes audio by torchcodec, which needs FFmpeg on the system. emolit decodes
by itself and wants the bytes. ``Audio(decode=False)`` gives them where a file holds rows (parquet,
arrow); where rows are made out of files (tar archives, folders of audio) `datasets` still encodes
each row, and asks for torchcodec though there is nothing to encode. So a feature of ours stands in
the place of `datasets.Audio`; that a stream encodes its rows by the feature that it was cast to is
promised nowhere. `datasets` is an extra and is imported when the first data set is opened.
"""

import tarfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from emolit.errors import ConfigError, CorpusError

FORMATS = {".parquet": "parquet", ".arrow": "arrow", ".tar": "webdataset"}
"""Which reader of `datasets` reads a file, by its extension."""
SAVED = ("dataset_dict.json", "state.json")
"""One of these stands in a folder of `save_to_disk`."""

TAR_END = bytes(1024)
"""What every tar ends in."""


def open_local(place: Path, config_name: str | None) -> dict[str, Any]:
    """Return the splits of a data set on this disk; nothing is copied.

    Args:
        place: A file of `FORMATS`, a folder of `save_to_disk`, or one that `load_dataset` takes.
        config_name: Which configuration, where there are several.

    Raises:
        CorpusError: `datasets` cannot read it, or an archive was cut.
        ConfigError: `datasets` is not installed.
    """
    library = _library(str(place))
    if place.is_file() and place.suffix not in FORMATS:
        raise CorpusError(
            f"{place} is none of {', '.join(FORMATS)}. Name its folder, or convert it; a table of "
            "files is read by `Manifest`."
        )
    for archive in [place] if place.is_file() else place.rglob("*.tar"):
        if archive.suffix == ".tar":
            _check_end(archive)
    try:
        if any((place / name).is_file() for name in SAVED):
            return _splits(library.load_from_disk(str(place)))
        if place.is_file():
            kind, files = FORMATS[place.suffix], {"train": str(place)}
            return _splits(library.load_dataset(kind, data_files=files, streaming=True))
        return _splits(library.load_dataset(str(place), config_name, streaming=True))
    except (OSError, ValueError, tarfile.TarError, library.exceptions.DatasetsError) as error:
        raise CorpusError(
            f"`datasets` cannot read {place}: {_reason(error)}. Mend it, or name another file or "
            "folder."
        ) from error


def open_remote(
    repository: str, config_name: str | None, revision: str | None, streaming: bool
) -> dict[str, Any]:
    """Return the splits of a data set of the hub.

    Args:
        repository: Its id.
        config_name: Which configuration, where there are several.
        revision: Branch, tag or commit; None is the newest, or what was downloaded before.
        streaming: Read it from the hub row by row; else it is downloaded first.

    Raises:
        CorpusError: It cannot be had.
        ConfigError: `datasets` is not installed.
    """
    library = _library(repository)
    try:
        return _splits(
            library.load_dataset(repository, config_name, revision=revision, streaming=streaming)
        )
    except (OSError, ValueError, ImportError, library.exceptions.DatasetsError) as error:
        raise CorpusError(
            f"The data set {repository!r} cannot be had from the Hugging Face Hub: "
            f"{_reason(error)}. Correct the id, its `config_name` or `revision`, log in, or go "
            "online; a folder or file of that name is not below `root` either."
            + ("" if streaming else " If torchcodec is asked for, set `streaming: true`.")
        ) from error


def rows_of(split: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of a split: audio as ``{bytes, path}``, classes by their names.

    Args:
        split: One that was opened here.
    """
    named = {name: namer for name, feature in (split.features or {}).items()
             if (namer := _namer(feature)) is not None}  # fmt: skip
    for row in split:
        yield {key: named[key](value) if key in named else value for key, value in row.items()}


def audio_columns(split: Any) -> list[str]:
    """Return the columns that hold audio, or what audio is written as."""
    features = (split.features or {}).items()
    forms = ({"bytes", "path"}, {"array", "sampling_rate"})
    return [
        name
        for name, feature in features
        if isinstance(feature, _library(name).Audio)
        or (isinstance(feature, Mapping) and any(form <= feature.keys() for form in forms))
    ]


def _library(wanted: str) -> Any:
    try:
        return import_module("datasets")
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{wanted} is read by `datasets`, which is not installed. Run "
            "`pip install 'emolit[datasets]'`."
        ) from error


def _check_end(archive: Path) -> None:
    """Refuse an archive that was cut: between two members no reader of streams would notice."""
    with archive.open("rb") as file:
        file.seek(max(0, archive.stat().st_size - len(TAR_END)))
        if file.read() != TAR_END:
            raise CorpusError(
                f"{archive} was cut, or is no tar: it does not end in {len(TAR_END)} zeros. Get "
                "it again."
            )


def _reason(error: BaseException) -> str:
    """Return what an error says, and what lies beneath it."""
    told = str(error.__cause__ or error).strip().splitlines() or [type(error).__name__]
    return told[0].rstrip(".")


def _splits(found: Any) -> dict[str, Any]:
    splits = found if isinstance(found, Mapping) else {"train": found}
    return {str(name): _undecoded(split) for name, split in splits.items()}


def _undecoded(split: Any) -> Any:
    library = _library("audio")
    for name, feature in (split.features or {}).items():
        if isinstance(feature, library.Audio):
            split = split.cast_column(name, _stored()(decode=False))
    return split


@cache
def _stored() -> Any:
    """Return the feature of audio that is neither decoded nor encoded."""
    library = _library("audio")

    class StoredAudio(library.Audio):  # type: ignore[misc, name-defined]  # imported when asked for
        """Audio as it was written."""

        def encode_example(self, value: Any) -> dict[str, Any]:
            """Return bytes and path, whichever there are."""
            if isinstance(value, Mapping):
                return {"bytes": value.get("bytes"), "path": value.get("path")}
            stored = isinstance(value, bytes | bytearray)
            return {"bytes": value if stored else None, "path": None if stored else str(value)}

    return StoredAudio


def _namer(feature: Any) -> Any:
    """Return what makes names of the numbers of a class, or of a list of them; None for others."""
    library = _library("classes")
    if isinstance(feature, library.ClassLabel):
        return lambda value: None if value is None or value < 0 else feature.int2str(value)
    one = _namer(feature.feature) if isinstance(feature, library.List) else None
    return None if one is None else lambda values: [one(value) for value in values or ()]

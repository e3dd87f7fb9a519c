"""A data set of the Hugging Face Hub, or one on this disk that `datasets` reads.

Layout: parquet, arrow (`save_to_disk`), WebDataset's tar, folders of audio with ``metadata.csv``,
and whatever else `datasets.load_dataset` reads. A column of audio is needed, and one truth or
several (`emolit.data.manifest_rows`); ``columns`` says which columns those are. Numbers of a
`ClassLabel` become names. A field inside of a field is named with a dot: ``json.emotion``.

How it lives here: the data set is passed through once, row by row, whatever its size. The audio of
each row is unpacked into ``$EMOLIT_CACHE/datasets``, as it was written, beside a table of what else
the rows say (`emolit.data.unpacking`). From then on it is a release like any other, and `datasets`
is not needed any more. `datasets` decodes nothing: soundfile and PyAV do, as everywhere in emolit.

- On this disk: read as a stream, or memory-mapped; no copy in the cache of `datasets`. It is
  unpacked anew when a file has another size or time of change.
- On the hub: downloaded by `datasets` into its own cache first, so that it takes disk three times.
  With ``streaming`` nothing but the audio is kept. ``take`` stops after some rows of each split; it
  is the way to a data set that is larger than the disk. It is unpacked once: for what was changed
  on the hub since, name a ``revision``, or remove the folder that the log names.

Training draws clips in any order, from the first epoch on; no stream can do so without a buffer
that hardly shuffles. So a stream is not trained on while it runs.

Splits: the data set's, under the names of `emolit.data.split_names` or by ``split_map``. A single
one that is called ``train`` says nothing of testing: the splits are then ours, as for a table, and
so they are with ``columns: {split: null}``.
"""

import hashlib
import json
import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_info

from emolit.compat.datasets import FORMATS, open_local, open_remote
from emolit.corpora.base import ROOT
from emolit.corpora.listed import Listed, log_name
from emolit.data.attribute_columns import AttributeColumn
from emolit.data.audio_check import cache_folder
from emolit.data.column_names import check_columns, rename_columns
from emolit.data.dataset import LoaderSettings
from emolit.data.split_names import match_splits
from emolit.data.unpacking import RECORDING, unpack
from emolit.errors import ConfigError, CorpusError
from emolit.files.disk import below
from emolit.files.table import Row, read_table
from emolit.prompts import Prompt

REPOSITORY = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
"""An id of the hub."""
LAYOUT = 1
"""Counts up when the folders are written otherwise."""


class HuggingFaceDataset(Listed):
    """The clips of a data set of the Hugging Face Hub, or of one that `datasets` reads here.

    Args:
        path: A folder or a file, relative to ``root`` or absolute, or an id of the hub. What lies
            there is taken before what is on the hub.
        audio: Column of the audio; None takes the only one.
        columns: Other columns under emolit's names, emolit's first, for example
            ``{label: emotion, speaker: speaker_id}``; null says that none is meant.
        split_map: Splits of the data set with names of their own, for example
            ``{test_clean: test, unlabeled: null}``; null leaves one out.
        config_name: Configuration of the data set, where it has several.
        revision: Branch, tag or commit on the hub.
        streaming: Read from the hub row by row, instead of downloading the data set first.
        take: Number of first rows of each split; None takes all.
        name: Name in log keys; None takes the last part of ``path``.
        attributes: Ratings by name, each with its scale and, where it is called otherwise, its
            column, for example ``{valence: {low: 1, high: 5, column: V}}``.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes the labels of the data set, after
            ``label_map``.
        label_map: What the data set's labels mean, in any case, for example ``{Wut: angry}``; some
            row must have each.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers in several splits, and unknown speakers.
    """

    def __init__(
        self,
        path: str,
        audio: str | None = None,
        columns: dict[str, str | None] | None = None,
        split_map: dict[str, str | None] | None = None,
        config_name: str | None = None,
        revision: str | None = None,
        streaming: bool = False,
        take: int | None = None,
        name: str | None = None,
        attributes: dict[str, AttributeColumn] | None = None,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.path = path
        self.audio = audio
        self.name = name or log_name(path, "dataset")
        self.columns = dict(columns or {})
        self.attributes = dict(attributes or {})
        check_columns(self.columns, self.name)
        if "path" in self.columns:
            raise ConfigError(f"`columns` of {self.name!r} names 'path'; name it as `audio`.")
        self.split_map = dict(split_map or {})
        self.config_name = config_name
        self.revision = revision
        self.streaming = streaming
        if take is not None and take < 1:
            raise ConfigError(f"`take` of {self.name!r} is {take}; it must be 1 or more.")
        self.take = take

    @property
    def local(self) -> Path:
        """Where the data set would stand on this disk."""
        return Path(self.root) / Path(self.path).expanduser()

    @property
    def source(self) -> Path:
        """The data set: where it stands here, or its id."""
        return self.local if self.local.exists() else Path(self.path)

    @cached_property
    def location(self) -> Path:
        """The folder in the cache that the data set is unpacked into.

        Raises:
            CorpusError: There is no place for a cache.
        """
        try:
            folder = cache_folder() / "datasets"
        except FileNotFoundError as error:
            raise CorpusError(
                f"There is no cache to unpack {self.path} into: {error}. Set EMOLIT_CACHE."
            ) from error
        left_out = sorted(name for name, split in self.split_map.items() if split is None)
        key = [LAYOUT, self.audio, self.config_name, self.take, left_out, *self._state()]
        return folder / f"{self.name}-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]}"

    def _state(self) -> list[object]:
        """Return what tells one state of the data set from another."""
        if not self.local.exists():
            return [self.path, self.revision]
        files = [self.local] if self.local.is_file() else below(self.local)
        stats = [(str(file.resolve()), file.stat()) for file in files if file.is_file()]
        return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]

    def _open(self) -> dict[str, Any]:
        """Return the splits of the data set that are served.

        Raises:
            CorpusError: It is nowhere, or cannot be read.
            ConfigError: A split has a name that is unknown.
        """
        if self.local.exists():
            splits = open_local(self.local, self.config_name)
        elif REPOSITORY.fullmatch(self.path) and Path(self.path).suffix not in FORMATS:
            splits = open_remote(self.path, self.config_name, self.revision, self.streaming)
        else:
            raise CorpusError(
                f"The data set {self.local} is missing. Put it there, correct `root` or the path "
                "below it, or give an id of the Hugging Face Hub."
            )
        ours = match_splits(splits, self.split_map, self.name)
        return {name: split for name, split in splits.items() if ours[name] is not None}

    def ensure_release(self) -> None:
        """Unpack the data set, if that was not done yet, and check its rows anew."""
        self.__dict__.pop("location", None)
        self._unpack()
        super().ensure_release()

    def _unpack(self) -> None:
        if self.location.is_dir():
            return
        splits = self._open()
        rank_zero_info(f"{self.name}: unpacking {self.path} into {self.location}")
        unpack(splits, self.location, str(self.source), self.audio, self.take)

    def read_rows(self) -> list[Row]:
        """Return the rows of the unpacked data set, split by split.

        Raises:
            CorpusError: It cannot be read.
            ConfigError: ``columns`` takes what it does not have, or a split is unknown.
        """
        self._unpack()
        tables = {file.stem: read_table(file, ()) for file in sorted(self.location.glob("*.jsonl"))}
        left_out = [name for name, split in self.split_map.items() if split is None]
        ours = match_splits([*tables, *left_out], self.split_map, self.name)
        columns = {"path": RECORDING, **self.columns}
        rows = [row for table in tables.values() for row in table]
        named = rename_columns(rows, columns, self.name)
        if "split" in self.columns or ([*tables] == ["train"] and not self.split_map):
            return named
        return [replace(row, fields={**row.fields, "split": ours[row.file.stem]}) for row in named]

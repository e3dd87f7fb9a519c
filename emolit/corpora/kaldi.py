"""Data folders of Kaldi and ESPnet, with an emotion for each utterance.

Layout: ``wav.scp`` (recording, path), and as far as they are there ``segments`` (utterance,
recording, start and end in seconds; an end of -1 is that of the file), ``utt2spk`` and ``text``.
The emotions stand in a file of the same form, an utterance and its label a line: ``utt2emo``,
``utt2emotion``, ``utt2label`` or ``emotion``, or what ``label_file`` names. An utterance that is
its own speaker, as Kaldi writes where nobody is known, has none.

Paths are absolute, or relative to ``root``, as Kaldi's are to the folder where its recipe is
started; audio lies below ``root``. A line of ``wav.scp`` that is a command (it ends in ``|``) or
points into an archive of Kaldi is refused: emolit runs no commands.

Splits: a folder for each, ``train``, ``dev`` and ``test``, or other names by ``split_map``; folders
without ``wav.scp`` are left alone. A folder that holds ``wav.scp`` itself has splits of ours
(`emolit.corpora.listed`).
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emolit.corpora.base import ROOT
from emolit.corpora.listed import Listed, log_name
from emolit.data.census import shorten
from emolit.data.dataset import LoaderSettings
from emolit.data.split_names import match_splits
from emolit.errors import CorpusError
from emolit.files.disk import lines_of, text_of
from emolit.files.table import Row
from emolit.prompts import Prompt

LABELS = ("utt2emo", "utt2emotion", "utt2label", "emotion")
"""Names that the file of labels usually has."""
ARCHIVE = re.compile(r"\.ark(?::\d+)?$")
MEND = "Mend it, or run Kaldi's utils/fix_data_dir.sh."


class Kaldi(Listed):
    """The utterances of a data folder of Kaldi or ESPnet.

    Args:
        path: The folder, relative to ``root`` or absolute.
        label_file: Name of the file that holds the labels, in each folder; None looks for
            ``utt2emo``, ``utt2emotion``, ``utt2label`` and ``emotion``.
        split_map: Folders of splits with names of their own, for example
            ``{train_nodup: train, train_dev: val, eval2000: test, extra: null}``; null leaves one
            out.
        name: Name in log keys; None takes the folder's name.
        root: What paths are relative to; the audio lies below it.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes the labels of the files, after
            ``label_map``.
        label_map: What the files' labels mean, in any case, for example ``{hap: happy}``; some
            utterance must have each.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers in several splits, and unknown speakers.
    """

    def __init__(
        self,
        path: str,
        label_file: str | None = None,
        split_map: dict[str, str | None] | None = None,
        name: str | None = None,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.path = path
        self.label_file = label_file
        self.split_map = dict(split_map or {})
        self.name = name or log_name(path, "kaldi")

    @property
    def source(self) -> Path:
        """The data folder."""
        return Path(self.root) / Path(self.path).expanduser()

    @property
    def location(self) -> Path:
        """What paths of clips are relative to."""
        return Path(self.root)

    def read_rows(self) -> list[Row]:
        """Return a row for each utterance, split by split.

        Raises:
            CorpusError: There is no such folder, or its files do not go together.
            ConfigError: A split has a name that is unknown.
        """
        if (self.source / "wav.scp").is_file():
            return list(self._utterances(self.source, {}))
        folders = {file.parent.name: file.parent for file in sorted(self.source.glob("*/wav.scp"))}
        if not folders:
            raise CorpusError(
                f"There is no data folder of Kaldi: looked for {self.source / 'wav.scp'} and for "
                f"{self.source}/*/wav.scp. Correct `root` or the path below it."
            )
        splits = match_splits(folders, self.split_map, self.name)
        return [
            row
            for name, folder in folders.items()
            if splits[name] is not None
            for row in self._utterances(folder, {"split": splits[name]})
        ]

    def _utterances(self, folder: Path, common: dict[str, Any]) -> Iterator[Row]:
        """Yield the utterances of a folder.

        Args:
            folder: It holds ``wav.scp``.
            common: Fields that all of them have.
        """
        recordings = read_pairs(folder / "wav.scp", "path")
        listed = folder / "segments"
        segments = read_pairs(listed, "segment") if listed.is_file() else None
        utterances = recordings if segments is None else segments
        columns = {
            column: _values(folder / file, column, utterances)
            for column, file in (
                ("label", self._labels_of(folder)), ("speaker", "utt2spk"), ("transcript", "text"),
            )
        }  # fmt: skip
        if all(columns["speaker"].get(name, name) == name for name in utterances):
            columns["speaker"] = {}
        for name, row in utterances.items():
            place = _whole(row) if segments is None else _segment(row, recordings)
            path = str(Path(self.root).absolute() / place["path"])
            told = {column: values.get(name) for column, values in columns.items()}
            fields = {"id": name, **place, "path": path, **told, **common}
            yield Row(row.file, row.number, fields)

    def _labels_of(self, folder: Path) -> str:
        """Return the name of the file that holds the labels of a folder."""
        names = LABELS if self.label_file is None else (self.label_file,)
        found = [name for name in names if (folder / name).is_file()]
        if len(found) != 1:
            there = sorted(file.name for file in folder.iterdir() if file.is_file())
            raise CorpusError(
                f"{folder} has {len(found)} files of labels {found}; looked for "
                f"{', '.join(names)}. Name the one of {there} as `label_file`."
            )
        return found[0]


def read_pairs(file: Path, column: str) -> dict[str, Row]:
    """Return what stands behind each name in a file of Kaldi.

    Args:
        file: It must be there.
        column: The name of the field that holds it.

    Raises:
        CorpusError: It is empty, or a name stands twice.
    """
    found: dict[str, Row] = {}
    for number, line in enumerate(lines_of(text_of(file)), start=1):
        name, _, value = line.strip().replace("\t", " ").partition(" ")
        if not name:
            continue
        row = Row(file, number, {column: value.strip()})
        if name in found:
            raise row.error(f"{name!r} stands in row {found[name].number} already", MEND)
        found[name] = row
    if not found:
        raise CorpusError(f"{file} is empty. Write a line an utterance, or get it again.")
    return found


def _values(file: Path, column: str, utterances: dict[str, Row]) -> dict[str, str | None]:
    """Return what a file says of utterances; nothing where it is missing."""
    if not file.is_file():
        return {}
    pairs = read_pairs(file, column)
    strange = [name for name in pairs if name not in utterances]
    if strange:
        raise pairs[strange[0]].error(f"there is no audio of {shorten(strange, ', ')}", MEND)
    return {name: row.text(column) for name, row in pairs.items()}


def _whole(row: Row) -> dict[str, Any]:
    """Return the fields of an utterance that is a recording."""
    path = row.required("path")
    if path.endswith("|") or path.startswith("|") or path == "-":
        raise row.error(
            f"{path!r} is a command, and emolit runs none",
            "Run it yourself, write what it gives into a file, and list that.",
        )
    if ARCHIVE.search(path):
        raise row.error(
            f"{path!r} points into an archive of Kaldi",
            "Copy the audio out of it, by Kaldi's wav-copy, and list the files.",
        )
    return {"path": path}


def _segment(row: Row, recordings: dict[str, Row]) -> dict[str, Any]:
    """Return the fields of an utterance that is a part of a recording."""
    parts = row.required("segment").split()
    if len(parts) != 3:
        raise row.error(
            f"{len(parts) + 1} words, where a segment has 4",
            "Write: utterance recording start end.",
        )
    recording, start, end = parts
    if recording not in recordings:
        raise row.error(f"the recording {recording!r} is not in wav.scp", MEND)
    place = {**_whole(recordings[recording]), "start": start, "end": end}
    return place | ({"end": None} if end in ("-1", "-1.0") else {})

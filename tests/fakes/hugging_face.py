"""Data sets as `datasets` writes them, and an archive as WebDataset has it."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from datasets import Audio, ClassLabel, Dataset, DatasetDict, Features, Value
from datasets.table import InMemoryTable

EMOTIONS = ("sad", "ang", "hap")
PITCH = {"sad": 200, "ang": 400, "hap": 600}
"""In Hz: a clip tells by its sound which row it belongs to."""
RATE = 16_000
SPEAKERS = {"train": "abc", "validation": "d", "test": "ef"}


def encoded(pitch: float, kind: str = "WAV", seconds: float = 0.1) -> bytes:
    """Return a tone as the bytes of a file."""
    file = io.BytesIO()
    samples = 0.3 * np.sin(2 * np.pi * pitch * np.arange(int(RATE * seconds)) / RATE)
    soundfile.write(file, samples, RATE, format=kind)
    return file.getvalue()


def rows_of(split: str, kind: str = "WAV") -> list[dict[str, Any]]:
    """Return a row for each speaker of a split and each emotion."""
    return [
        {
            "audio": {"bytes": encoded(PITCH[name], kind), "path": f"{who}_{name}.{kind.lower()}"},
            "emotion": number,
            "speaker_id": who,
            "sentence": f"{who} is {name}.",
        }
        for who in SPEAKERS[split]
        for number, name in enumerate(EMOTIONS)
    ]


def dataset_of(rows: Sequence[Mapping[str, Any]]) -> Dataset:
    """Return a data set with embedded audio and classes by number."""
    features = Features(
        audio=Audio(decode=False), emotion=ClassLabel(names=list(EMOTIONS)),
        speaker_id=Value("string"), sentence=Value("string"),
    )  # fmt: skip
    return Dataset(InMemoryTable.from_pylist(list(rows), schema=features.arrow_schema))


def write_parquet(folder: Path, splits: Sequence[str] = tuple(SPEAKERS), kind: str = "WAV") -> Path:
    """Write a file a split, named as on the hub."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in splits:
        dataset_of(rows_of(split, kind)).to_parquet(folder / f"{split}-00000-of-00001.parquet")
    return folder


def write_saved(folder: Path, splits: Sequence[str] = tuple(SPEAKERS)) -> Path:
    """Write arrow as `save_to_disk` does."""
    DatasetDict({split: dataset_of(rows_of(split)) for split in splits}).save_to_disk(folder)
    return folder


def write_tars(folder: Path, splits: Sequence[str] = tuple(SPEAKERS)) -> Path:
    """Write an archive a split: flac, json and txt for each clip."""
    folder.mkdir(parents=True, exist_ok=True)
    for split in splits:
        with tarfile.open(folder / f"{split}-000000.tar", "w") as archive:
            for row in rows_of(split, "FLAC"):
                said = {"emotion": EMOTIONS[row["emotion"]], "who": row["speaker_id"]}
                stem = row["audio"]["path"].removesuffix(".flac")
                parts = {"flac": row["audio"]["bytes"], "json": json.dumps(said).encode(),
                         "txt": row["sentence"].encode()}  # fmt: skip
                for kind, content in parts.items():
                    entry = tarfile.TarInfo(f"{stem}.{kind}")
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
    return folder

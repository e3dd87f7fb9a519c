"""EmoBox's lists of a tiny corpus, row by row as published, and the audio they name."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.listing import write_table, write_tone

SAVEE = {
    "a": "Angry", "d": "Disgust", "f": "Fear", "h": "Happy", "n": "Neutral", "sa": "Sad",
    "su": "Surprise",
}  # fmt: skip
SPEAKERS = ("JE", "KL", "DC", "JK")
"""Of SAVEE, in the order of the folds that test them."""


def row(dataset: str, key: str, path: str, label: str, **more: Any) -> dict[str, Any]:
    """Return a row in the usual style."""
    return {
        "key": f"{dataset}-{key}", "dataset": dataset, "wav": f"downloads/{dataset}/{path}",
        "type": "raw", "sample_rate": 44100, "num_frame": 148849.0, "task": "category",
        "length": 3.3752607709750566, "emo": label, "channel": 1, **more,
    }  # fmt: skip


def old(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row in the style of the old twins."""
    kept = {key: row[key] for key in ("key", "dataset", "type", "sample_rate", "num_frame", "task")}
    return {**kept, "audio": row["wav"], "label": row["emo"]}


def savee(speakers: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row a speaker and label."""
    pairs = [(who, raw) for who in speakers for raw in SAVEE]
    return [row("savee", f"{who}-{raw}03", f"{who}_{raw}03.wav", raw) for who, raw in pairs]


def write_list(data: Path, dataset: str, part: str, fold: int, rows: Sequence[Any]) -> Path:
    """Write one list under its usual name."""
    place = data / dataset / f"fold_{fold}" / f"{dataset}_{part}_fold_{fold}.jsonl"
    place.parent.mkdir(parents=True, exist_ok=True)
    return write_table(place, rows)


def write_map(data: Path, dataset: str, names: Mapping[str, str]) -> None:
    """Write a label map."""
    (data / dataset).mkdir(parents=True, exist_ok=True)
    text = json.dumps(names, indent=4)
    (data / dataset / "label_map.json").write_text(text, encoding="utf-8")


def write_savee_lists(data: Path) -> None:
    """Write the four folds of a SAVEE of seven clips a speaker."""
    write_map(data, "savee", SAVEE)
    for fold, tested in enumerate(SPEAKERS, start=1):
        others = [who for who in SPEAKERS if who != tested]
        write_list(data, "savee", "train", fold, savee(others))
        write_list(data, "savee", "test", fold, savee([tested]))


def write_audio(folder: Path, rows: Sequence[Mapping[str, Any]], suffix: str = "") -> None:
    """Write the audio of rows below the corpus folder, with another extension if given."""
    for entry in rows:
        path = Path(str(entry["wav"])).relative_to(f"downloads/{entry['dataset']}")
        write_tone(folder / (path.with_suffix(suffix) if suffix else path), 0.5)

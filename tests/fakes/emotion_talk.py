"""A tiny EmotionTalk: the official folders, JSONs with captions, the tables of its repository."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.fakes.listing import write_tone

SPEAKERS = {
    "G00001": ("01", "02"), "G00012": ("13", "15"), "G00003": ("13", "20"),
    "G00015": ("02", "21"), "G00009": ("14", "07"),
}  # fmt: skip
"""Two speakers a group; validation and test share 02 and 13."""
CODES = ("neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful")
PARTS = {"G00001": "val", "G00012": "val", "G00003": "test", "G00015": "test"}
SAID = "[over/]还给他点[/over]饭。"
KINDS = ("speaker", "style", "emotion", "overall")
Source = Callable[[dict[str, list[str]]], Any]


def names() -> list[str]:
    """Return the utterances: two a speaker."""
    return [
        f"{group}_42_{who}_{number:03d}"
        for group, pair in SPEAKERS.items()
        for who in pair
        for number in (1, 24)
    ]


def folder_of(name: str) -> str:
    """Return group/dialog/speaker of an utterance."""
    group, dialog, who, _ = name.split("_")
    return f"{group}/{group}_{dialog}/{group}_{dialog}_{who}"


def captions(name: str) -> dict[str, list[str]]:
    """Return five variants of each kind of caption; the last repeats the first."""
    return {
        kind: [f"{kind} {name[-3:]} 低沉，第{n % 4}句[over/]。[/over]" for n in range(5)]
        for kind in KINDS
    }


def write_emotion_talk(root: Path, source: Source = dict, key: str = "file_name") -> Path:
    """Write audio and JSONs into ``root/emotiontalk`` and return that folder.

    Args:
        root: Parent folder of all corpora.
        source: Makes ``sourceAttr`` of the captions by kind.
        key: What names the audio file in a JSON.
    """
    folder = root / "emotiontalk"
    write_tone(folder / "tone.wav")
    content = (folder / "tone.wav").read_bytes()
    (folder / "tone.wav").unlink()
    for place, name in enumerate(names()):
        path = f"{folder_of(name)}/{name}.wav"
        audio = folder / "Audio" / "wav" / path
        audio.parent.mkdir(parents=True, exist_ok=True)
        audio.write_bytes(content)
        row = {
            "data": [{"emotion_result": "neutral"}],
            "emotion_result": CODES[place % 7],
            "speaker_id": name.split("_")[2],
            key: path,
            "content": SAID,
        }
        attributes = {"paragraphs": [], "sourceAttr": source(captions(name))}
        save(folder / "Audio" / "json" / folder_of(name) / f"{name}.json", {**row, **attributes})
        whole = {**row, "emotion_result": "sad", "Continuous label_result": -0.4}
        save(folder / "Multimodal" / "json" / folder_of(name) / f"{name}.json", whole)
    return folder


def save(path: Path, content: object) -> None:
    """Write a JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def write_tables(folder: Path) -> Path:
    """Write both archives and the transcripts into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, value, shift in (("audio_label", -10, 0), ("mm_label", -0.4, 1)):
        parts: dict[str, dict[str, Any]] = {"train": {}, "val": {}, "test": {}}
        for place, name in enumerate(names()):
            part = PARTS.get(name.split("_")[0], "train")
            parts[part][name] = {"emo": (place + shift) % 7, "val": value}
        corpora = {f"{part}_corpus": np.array(rows, dtype=object) for part, rows in parts.items()}
        np.savez_compressed(folder / f"{file}.npz", **corpora)
    rows = [f"{folder_of(name)}/{name},fearful,{SAID}" for name in names()]
    (folder / "transcription.csv").write_text("\n".join(["name,emotion,chinese", *rows]) + "\n")
    return folder

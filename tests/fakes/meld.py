"""A tiny MELD: the official tables, folders and names, a tone in every file."""

import csv
from collections.abc import Sequence
from pathlib import Path

from tests.fakes.listing import write_tone

COLUMNS = (
    "Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID",
    "Season", "Episode", "StartTime", "EndTime",
)  # fmt: skip
FOLDERS = {
    "train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test",
}  # fmt: skip
EMOTIONS = ("neutral", "joy", "surprise", "anger", "sadness", "disgust", "fear")
SPEAKERS = ("Chandler", "Joey", "Monica", "Phoebe", "Rachel", "Ross", "The Interviewer")


def rows() -> list[list[object]]:
    """Return an utterance of each speaker, each with another emotion."""
    text = (
        "also I was the point person on my company\u2019s transition from the KL-5 to GR-6 system."
    )
    times = ("00:16:16,059", "00:16:21,731")
    return [
        [n + 1, text, speaker, emotion, "neutral", 0, n, 8, 21, *times]
        for n, (speaker, emotion) in enumerate(zip(SPEAKERS, EMOTIONS, strict=True))
    ]


def write_meld(folder: Path, video: bytes | None = None) -> Path:
    """Write a release into a folder: audio, or a video with these bytes, an utterance."""
    for split in FOLDERS:
        write_part(folder, split, rows(), video)
    return folder


def write_part(
    folder: Path, split: str, listed: Sequence[Sequence[object]], video: bytes | None = None
) -> Path:
    """Write the table of a split and its files; return the table."""
    place = folder / FOLDERS[split]
    place.mkdir(parents=True, exist_ok=True)
    table = folder / f"{split}_sent_emo.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows(listed)
    for row in listed:
        stem = f"dia{row[5]}_utt{row[6]}"
        if video is None:
            write_tone(place / f"{stem}.wav")
        else:
            (place / f"{stem}.mp4").write_bytes(video)
    return table

"""A corpus that only listening solves: a low or a high tone, at random loudness and length."""

import csv
from pathlib import Path

import numpy as np
import soundfile

LABELS = ("happy", "sad")
PITCHES = {"happy": 1500.0, "sad": 300.0}


def write_tones(root: Path, speakers: int = 8, clips: int = 8, seed: int = 0) -> Path:
    """Write wav files and ``tones.csv`` below ``root``; the last two speakers are val and test."""
    random = np.random.RandomState(seed)
    (root / "wav").mkdir(parents=True)
    rows = []
    for speaker in range(speakers):
        split = {speakers - 2: "val", speakers - 1: "test"}.get(speaker, "train")
        for index in range(clips):
            label = LABELS[index % 2]
            time = np.arange(int(16_000 * random.uniform(0.3, 0.6))) / 16_000
            pitch = PITCHES[label] * random.uniform(0.9, 1.1)
            wave = random.uniform(0.1, 0.5) * np.sin(2 * np.pi * pitch * time)
            path = f"wav/s{speaker}-{index}.wav"
            soundfile.write(root / path, wave + 0.01 * random.randn(len(time)), 16_000)
            rows.append({"path": path, "label": label, "speaker": f"s{speaker}", "split": split})
    with (root / "tones.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root / "tones.csv"

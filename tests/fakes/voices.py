"""Buzzing voices whose pitch, level, pace and tone are known, in a corpus of one's own."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def voice(
    pitch: float = 120.0,
    level: float = 0.05,
    seconds: float = 1.0,
    syllables: int = 4,
    octave_fall: float = 10.0,
    end: float | None = None,
) -> np.ndarray:
    """Return harmonics of a pitch in Hz under syllables of equal length, some silence around.

    Args:
        pitch: F0; it glides to ``end`` at an even pace of semitones.
        level: Amplitude of the first harmonic.
        seconds: Of sound.
        syllables: Humps of loudness; 0 is an even tone.
        octave_fall: dB by which the harmonics fall an octave.
        end: F0 at the end.
    """
    time = np.arange(int(seconds * RATE)) / RATE
    f0 = pitch * ((end or pitch) / pitch) ** (time / seconds)
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    harmonics = range(1, int(5_000 / f0.max()) + 1)
    wave = sum(10 ** (-octave_fall * np.log2(n) / 20) * np.sin(n * phase) for n in harmonics)
    hump = 0.02 + 0.98 * np.sin(np.pi * syllables * time / seconds) ** 2 if syllables else 1.0
    return np.pad(level * hump * wave, RATE // 5)


def write_voices(root: Path, clips: Sequence[Mapping[str, object]]) -> Path:
    """Write ``voices.csv`` and a wav file for each clip; ``wave`` is its sound."""
    root.mkdir(parents=True, exist_ok=True)
    columns = ("id", "path", "label", "speaker", "split", "transcript")
    with (root / "voices.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for number, clip in enumerate(clips):
            row = {"id": f"c{number}", "label": "happy", "speaker": "s", "split": "train", **clip}
            soundfile.write(root / f"{row['id']}.wav", row["wave"], RATE, subtype="FLOAT")
            writer.writerow({**row, "path": f"{row['id']}.wav"})
    return root / "voices.csv"

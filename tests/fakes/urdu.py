"""A tiny URDU: the official layout, its uneven speakers, a short tone in every file."""

from pathlib import Path

import numpy as np
import soundfile

EMOTIONS = ("Angry", "Happy", "Neutral", "Sad")


def write_urdu(root: Path, clips: int = 100, suffix: str = ".wav") -> Path:
    """Write clips of each emotion into ``root/urdu`` and return that folder."""
    folder = root / "urdu"
    for kind in EMOTIONS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        tone = folder / kind / f"tone{suffix}"
        soundfile.write(tone, 0.3 * np.sin(np.arange(1200) * len(kind) / 50), 44_100)
        content = tone.read_bytes()
        tone.unlink()
        for number in range(1, clips + 1):
            speaker = f"SF{number % 7}" if number % 4 == 0 else f"SM{number % 5}"
            name = f"{speaker}_F{number}_{kind[0]}{number:03d}{suffix}"
            (folder / kind / name).write_bytes(content)
    return folder

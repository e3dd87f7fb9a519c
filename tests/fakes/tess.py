"""A tiny TESS: 200 words made by code, one odd sampling rate, one odd name."""

from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

WORDS = ("back", "bite", "food", *(a + b + c for a, b, c in product("bdfgklm", "aeiou", "lmnprt")))
FOLDERS = {
    ("OAF", "ps"): "OAF_Pleasant_surprise",
    ("YAF", "ps"): "YAF_pleasant_surprised",
}
EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")


def stems(words: Iterable[str] = WORDS[:200]) -> Iterator[str]:
    """Yield names like OAF_back_angry."""
    for speaker, word, emotion in product(("OAF", "YAF"), words, EMOTIONS):
        yield f"{speaker}_{word}_{emotion}"


def write_tess(root: Path, names: Iterable[str] | None = None) -> Path:
    """Write clips into folders by speaker and emotion below ``root/tess`` and return that."""
    folder = root / "tess"
    usual, odd = tone(folder, 24_414), tone(folder, 96_000)
    for name in stems() if names is None else names:
        speaker, _, emotion = name.split("_")
        place = folder / FOLDERS.get((speaker, emotion), f"{speaker}_{emotion}")
        place.mkdir(exist_ok=True)
        shown = "OA_bite_neutral" if name == "OAF_bite_neutral" else name
        (place / f"{shown}.wav").write_bytes(odd if name == "OAF_food_fear" else usual)
    return folder


def tone(folder: Path, rate: int) -> bytes:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tone.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(rate // 40) / 9), rate)
    content = path.read_bytes()
    path.unlink()
    return content

"""A tiny ESD: all speakers, a few sentences a block, texts in the encodings that occur."""

from collections.abc import Iterable
from pathlib import Path

from tests.fakes.listing import write_tone

EMOTIONS = ("Neutral", "Angry", "Happy", "Sad", "Surprise")
CHINESE = ("中立", "生气", "快乐", "伤心", "惊喜")
ENCODINGS = {"0001": "utf-8", "0002": "utf-16", "0003": "gb18030", "0004": "utf-16-le"}
"""Of the texts of the first speakers; the others have UTF-8 with a byte order mark."""


def write_esd(
    root: Path, sentences: Iterable[int] = (1, 21, 51), older: bool = False, top: str = "ESD"
) -> Path:
    """Write clips and texts below ``root/esd/<top>`` and return ``root/esd``."""
    folder = root / "esd"
    write_tone(folder / "tone.wav")
    content = (folder / "tone.wav").read_bytes()
    (folder / "tone.wav").unlink()
    for speaker in (f"{number:04d}" for number in range(1, 21)):
        lines = []
        for block, emotion in enumerate(EMOTIONS):
            for sentence in sentences:
                part = "evaluation" if sentence <= 20 else "test" if sentence <= 50 else "train"
                place = folder / top / speaker / emotion / (part if older else "")
                name = f"{speaker}_{350 * block + sentence:06d}"
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{name}.wav").write_bytes(content)
                lines.append("\t".join(line(speaker, name, block)))
        lines.insert(1, f"{speaker}_000099 no tabs")
        text = "\r\n".join(lines) + "\r\n\r\n"
        encoding = ENCODINGS.get(speaker, "utf-8-sig")
        (folder / top / speaker / f"{speaker}.txt").write_bytes(text.encode(encoding))
    (folder / top / "ReadMe.txt").write_text("20 speakers\n")
    return folder


def line(speaker: str, name: str, block: int) -> tuple[str, str, str]:
    """Return id, text and emotion: in Chinese up to speaker 0010."""
    if speaker <= "0010":
        return name, "今天的天气很好", CHINESE[block]
    return name, "The kettle is on the stove.", EMOTIONS[block]

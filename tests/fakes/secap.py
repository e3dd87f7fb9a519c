"""A tiny SECap: ids of its three kinds, both separators of the texts, captions that repeat."""

import json
from pathlib import Path

from tests.fakes.listing import write_tone

LINES = (
    ("tx_emotion_00201000015", "一年又一年,一日复一日,一聚一离别,一生一场梦。 "),
    ("tx_emulate_00_060_0001_000030", "太正确了，训练有素。"),
    ("tx_xiao_01001030012", "今天天气真好。 "),
)
CAPTIONS = ("悲伤逆流成河", "心情平静，不心急，不急躁。", "语气充斥着开心")


def write_secap(root: Path, copies: int = 10, folder: str = "dataset") -> Path:
    """Write clips of each kind into ``root/secap`` and return that folder."""
    top = root / "secap" / folder
    write_tone(top / "wav" / "tone.wav")
    content = (top / "wav" / "tone.wav").read_bytes()
    (top / "wav" / "tone.wav").unlink()
    captions, lines = {}, []
    for copy in range(copies):
        for (name, text), caption in zip(LINES, CAPTIONS, strict=True):
            stem = f"{name[:-2]}{copy:02d}" if copy else name
            captions[stem] = caption if copy < 2 else f"{caption}{copy}"
            lines.append(f"{stem}{chr(9) if 'emulate' in stem else ' '}{text}")
            (top / "wav" / f"{stem}.wav").write_bytes(content)
    (top / "fid2captions.json").write_text(
        json.dumps(captions, ensure_ascii=False, indent=4), encoding="utf-8"
    )
    (top / "text.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (top / "wav.scp").write_text("".join(f"{name} wav/{name}.wav\n" for name in captions))
    return root / "secap"

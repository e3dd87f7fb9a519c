"""A tiny MSP-Podcast as 1.8 or as a later version: label file, spelling, splits and audio."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import soundfile

from tests.fakes.listing import write_table, write_tone

COLUMNS = (
    "FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set",
)  # fmt: skip
STEREO = "MSP-PODCAST_1023_0235.wav"


def rows(version: str) -> list[dict[str, str]]:
    """Return rows of three or four splits: every class once in each, one speaker a split."""
    early = version == "v1.8"
    parts = ["Train", "Validation" if early else "Development", "Test1", "Test2"]
    found = []
    for number, part in enumerate(parts):
        for index, letter in enumerate("ASHUFDCNOX"):
            file = f"MSP-PODCAST_{number + 1:04d}_{index + 8:04d}.wav"
            values = (file, letter, "4.2", "3.833333", "4.0", str(number + 1), "Female", part)
            found.append(dict(zip(COLUMNS, values, strict=True)))
    found[3]["FileName"] = STEREO
    if not early:
        values = ("MSP-PODCAST_test3_0001.wav", "", "", "", "", "Unknown", "", "Test3")
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


def write_msp_podcast(
    root: Path, version: str = "v1.8", listed: Sequence[Mapping[str, str]] | None = None
) -> Path:
    """Write a release into ``root/msp_podcast_<version>`` and return that folder."""
    folder = root / f"msp_podcast_{version.replace('.', '_')}"
    found = rows(version) if listed is None else listed
    for row in found:
        write_tone(folder / "Audios" / row["FileName"])
    if (folder / "Audios" / STEREO).exists():
        soundfile.write(folder / "Audios" / STEREO, np.full((4410, 2), 0.1), 44_100)
    name = "labels_concensus.csv" if version == "v1.8" else "labels_consensus.csv"
    if version != "v1.8":  # other versions have their columns in another order
        found = [dict(reversed(row.items())) for row in found]
    (folder / "Labels").mkdir(parents=True, exist_ok=True)
    write_table(folder / "Labels" / name, found)
    return folder

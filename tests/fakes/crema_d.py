"""A tiny CREMA-D: the official folders and names, votes in the official columns."""

import json
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

from tests.fakes.listing import write_tone

EMOTIONS = ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")
ACTORS = range(1001, 1092)
HEADER = '"","A","D","F","H","N","S","fileName","numResponses","agreement","emoVote"\n'


def stems(actors: Iterable[int] = ACTORS) -> list[str]:
    """Return one clip of each emotion by each actor."""
    return [f"{actor}_DFA_{code}_XX" for actor, code in product(actors, EMOTIONS)]


def as_acted(stem: str) -> dict[str, int]:
    """Return votes of eight raters who heard what was acted, and one who heard neutral."""
    votes = dict.fromkeys("ADFHNS", 0)
    votes[stem[9]] += 8
    votes["N"] += 1
    return votes


def write_crema_d(folder: Path, names: Iterable[str] | None = None, suffix: str = ".wav") -> Path:
    """Write the audio of a release into a folder, and votes that agree with what was acted."""
    chosen = stems() if names is None else list(names)
    tone = folder / f"tone{suffix}"
    write_tone(tone)
    content = tone.read_bytes()
    tone.unlink()
    (folder / "AudioWAV").mkdir()
    for name in chosen:
        (folder / "AudioWAV" / f"{name}{suffix}").write_bytes(content)
    write_votes(folder, {name: as_acted(name) for name in chosen})
    return folder


def write_votes(folder: Path, votes: Mapping[str, Mapping[str, int]]) -> Path:
    """Write the table of votes: voice, face and both; the face is always seen as sad."""
    rows = [HEADER]
    sad = {**dict.fromkeys("ADFHNS", 0), "S": 9}
    for digit in (1, 2, 3):
        for number, (name, heard) in enumerate(votes.items(), start=1):
            counts = heard if digit == 1 else sad
            total = sum(counts.values())
            most = max(counts.values())
            winners = ":".join(letter for letter, count in counts.items() if count == most)
            listed = ",".join(str(counts[letter]) for letter in "ADFHNS")
            share = most / total
            rows.append(
                f'"{digit}{number:05d}",{listed},"{name}",{total},{share:.15f},"{winners}"\n'
            )
    file = folder / "processedResults" / "tabulatedVotes.csv"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(rows), encoding="utf-8")
    return file


def write_emobox(data: Path, tests: Iterable[str]) -> Path:
    """Write EmoBox's test list into its data folder."""
    file = data / "cremad" / "fold_1" / "cremad_test_fold_1.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "key": f"cremad-{name.replace('_', '-')}",
            "dataset": "cremad",
            "wav": f"downloads/cremad/AudioWAV/{name}.wav",
            "type": "raw",
            "sample_rate": 16000,
            "num_frame": 800.0,
            "task": "category",
            "length": 0.05,
            "emo": name[9:12],
            "channel": 1,
        }
        for name in tests
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file

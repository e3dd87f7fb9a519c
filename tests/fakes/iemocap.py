"""A tiny IEMOCAP: the official folders, texts to the letter, a short tone a turn."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile

from tests.fakes.listing import write_tone

CODES = ("neu", "ang", "sad", "hap", "exc", "fru", "xxx")
RATED = (1.5, 4.0, 4.5)
"""Valence, activation and dominance of a turn unless others are given."""
PITCHES = {300.0: (2.0, 1.5, 2.5), 1500.0: (4.0, 4.5, 4.5)}
"""Hertz to ratings, in the release that `write_rated_tones` writes."""
HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"
RATERS = (
    "C-E1:\tAnger;\t()",
    "C-E3:\tAnger;\t()",
    "C-F1:\tAnger;\t()",
    "A-E3:\tval 2; act 4; dom  4;\t()",
    "A-F1:\tval 1; act 5; dom  5;\t()",
)


def turns(sessions: Iterable[int] = range(1, 6)) -> dict[str, str]:
    """Return turns of two scenes a session, by both speakers, with a code each."""
    named = {}
    for session in sessions:
        for scene in (f"Ses0{session}F_impro01", f"Ses0{session}M_script03_1"):
            for number, code in enumerate(CODES):
                for speaker in "FM":
                    named[f"{scene}_{speaker}{number:03d}"] = code
    return named


def write_iemocap(
    folder: Path,
    labels: Mapping[str, str] | None = None,
    sound: bool = True,
    rated: Mapping[str, tuple[float, ...]] | None = None,
) -> Path:
    """Write a release of these turns, their codes and their ratings into a folder and return it."""
    labels = turns() if labels is None else labels
    for scene, names in groupby(sorted(labels), lambda turn: turn.rpartition("_")[0]):
        session = folder / f"Session{scene[4]}"
        chosen = list(names)
        write_scene(session, scene, {name: labels[name] for name in chosen}, rated or {})
        for name in chosen if sound else ():
            write_tone(session / "sentences" / "wav" / scene / f"{name}.wav")
    return folder


def write_rated_tones(folder: Path) -> Path:
    """Write a release whose ratings only listening tells: those of low or of high tones."""
    chosen = {name: list(PITCHES)[place // 2 % 2] for place, name in enumerate(turns())}
    write_iemocap(folder, sound=False, rated={name: PITCHES[chosen[name]] for name in chosen})
    for place, (name, pitch) in enumerate(chosen.items()):
        scene = name.rpartition("_")[0]
        path = folder / f"Session{name[4]}" / "sentences" / "wav" / scene / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(3_200) / 16_000
        wave = np.sin(2 * np.pi * pitch * (1 + place % 7 / 50) * time)
        soundfile.write(path, (0.2 + place % 5 / 20) * wave, 16_000)
    return folder


def write_scene(
    session: Path,
    scene: str,
    labels: Mapping[str, str],
    rated: Mapping[str, tuple[float, ...]],
) -> None:
    """Write what raters and transcribers say about a scene."""
    judged, spoken = [HEADER], []
    for name, code in labels.items():
        numbers = ", ".join(f"{number:.4f}" for number in rated.get(name, RATED))
        line = f"[140.2250 - 145.6000]\t{name}\t{code}\t[{numbers}]"
        judged.append("\n".join(["", line, *RATERS, ""]))
        spoken.append(f"{name} [241.6700-243.4048]: You knew there was nothing.\n")
    spoken.append("M: [BREATHING]\n")
    for kind, content in (("EmoEvaluation", judged), ("transcriptions", spoken)):
        file = session / "dialog" / kind / f"{scene}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(content), encoding="utf-8")
        (file.parent / f"._{scene}.txt").write_bytes(b"\x00\x05\x16\x07\xa3")

"""A tiny IEMOCAP: the official folders, texts to the letter, a short tone a turn."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from tests.fakes.listing import write_tone

CODES = ("neu", "ang", "sad", "hap", "exc", "fru", "xxx")
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
    folder: Path, labels: Mapping[str, str] | None = None, sound: bool = True
) -> Path:
    """Write a release of these turns and their codes into a folder and return it."""
    labels = turns() if labels is None else labels
    for scene, names in groupby(sorted(labels), lambda turn: turn.rpartition("_")[0]):
        session = folder / f"Session{scene[4]}"
        chosen = list(names)
        write_scene(session, scene, {name: labels[name] for name in chosen})
        for name in chosen if sound else ():
            write_tone(session / "sentences" / "wav" / scene / f"{name}.wav")
    return folder


def write_scene(session: Path, scene: str, labels: Mapping[str, str]) -> None:
    """Write what raters and transcribers say about a scene."""
    judged, spoken = [HEADER], []
    for name, code in labels.items():
        line = f"[140.2250 - 145.6000]\t{name}\t{code}\t[1.5000, 4.0000, 4.5000]"
        judged.append("\n".join(["", line, *RATERS, ""]))
        spoken.append(f"{name} [241.6700-243.4048]: You knew there was nothing.\n")
    spoken.append("M: [BREATHING]\n")
    for kind, content in (("EmoEvaluation", judged), ("transcriptions", spoken)):
        file = session / "dialog" / kind / f"{scene}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(content), encoding="utf-8")
        (file.parent / f"._{scene}.txt").write_bytes(b"\x00\x05\x16\x07\xa3")

"""IEMOCAP: ten actors in five sessions of two, in improvised and scripted scenes.

Layout, in the corpus folder or in ``IEMOCAP_full_release`` below it, for Session1 to Session5:
``SessionN/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav``, one file a turn (or another audio
extension); ``SessionN/dialog/EmoEvaluation/Ses01F_impro01.txt`` with a line such as
``[6.2901 - 8.2357]⇥Ses01F_impro01_F000⇥neu⇥[2.5000, 2.5000, 2.5000]`` (time, turn, label of the
majority, valence, activation, dominance from 1 to 5) and lines of single raters, which are not
read; ``SessionN/dialog/transcriptions/Ses01F_impro01.txt``. Files that start with ``._`` are left
alone.

``Ses01F`` in a name says which actor wore the markers, not who speaks: the speaker is the session
and the letter of the last part. Stage marks such as ``[LAUGHTER]`` are cut out of transcripts, as
they say what only the audio shows.

Splits: the release has none. As in EmoBox fold k tests session k (two speakers). The next session
is held out of the training part for validation, both speakers of it: they hear and answer each
other in the same recordings.

License: signed agreement with USC SAIL. Busso et al. 2008, https://doi.org/10.1007/s10579-008-9076-6.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from emolit.affect.votes import NO_AGREEMENT
from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.errors import CorpusError
from emolit.files.disk import lines_of, text_of
from emolit.files.media import AUDIO
from emolit.prompts import Prompt
from emolit.types import Clip, Rating, Split

EMOTIONS = {
    "ang": "angry", "hap": "happy", "neu": "neutral", "sad": "sad", "exc": "excited",
    "fru": "frustrated", "sur": "surprise", "fea": "fear", "dis": "disgust", "oth": "other",
    "xxx": NO_AGREEMENT,
}  # fmt: skip
"""Codes of the release."""
SETS = {
    4: ("angry", "happy", "neutral", "sad"),
    6: ("angry", "happy", "neutral", "sad", "excited", "frustrated"),
}
MERGED: dict[int, dict[str, str]] = {4: {"excited": "happy"}, 6: {}}
SESSIONS = range(1, 6)
TURN = re.compile(r"Ses0([1-5])[FM]_(impro|script)\w+_([FM])\w+")
NUMBER = r"(\d+(?:\.\d+)?)"
LINE = re.compile(rf"\[{NUMBER} - [\d.]+\]\t(\w+)\t(\w+)\t\[{NUMBER}, {NUMBER}, {NUMBER}\]\s*")
ATTRIBUTES = ("valence", "arousal", "dominance")
"""What the three numbers of a line rate; the release calls the second activation."""
SCALE = (1.0, 5.0)
"""Of the release's manikins; numbers are taken as they stand."""
SPOKEN = re.compile(r"(\w+) \[[\d.]+-[\d.]+\]:(.*)")
MARK = re.compile(r"\[[A-Z ]+\]")
SCENES = {"impro": "improvised", "script": "scripted"}


class Iemocap(Corpus):
    """IEMOCAP: 10,039 turns, 10 speakers; each of 5 folds tests one session.

    Args:
        fold: The session that is tested, 1 to 5, as in EmoBox.
        classes: What ``labels: null`` means. 4: angry, happy, neutral and sad, with excited merged
            into happy (5,531 turns); 6: also excited and frustrated, nothing merged.
        scenes: ``improvised`` or ``scripted`` serves only those; the others are counted as in no
            split. Scripted scenes give every pair of actors the same words.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes that of ``classes``.
        label_map: Renames labels before anything else, beside the merging of ``classes``.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: Without effect here: no speaker stands in two splits.
    """

    name = "iemocap"
    labels: ClassVar = tuple(EMOTIONS.values())
    size: ClassVar = 10_039
    expected: ClassVar = {
        "angry": 1103, "happy": 595, "neutral": 1708, "sad": 1084, "excited": 1041,
        "frustrated": 1849, "surprise": 107, "fear": 40, "disgust": 2, "other": 3,
        NO_AGREEMENT: 2507,
    }  # fmt: skip
    homepage: ClassVar = "https://sail.usc.edu/iemocap/"
    license: ClassVar = "signed agreement with USC SAIL"

    def __init__(
        self,
        fold: Literal[1, 2, 3, 4, 5] = 1,
        classes: Literal[4, 6] = 4,
        scenes: Literal["all", "improvised", "scripted"] = "all",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        self.fold = check_choice(self, "fold", fold, SESSIONS)
        self.scenes = check_choice(self, "scenes", scenes, ("all", *SCENES.values()))
        check_choice(self, "classes", classes, SETS)
        served = list(SETS[classes]) if labels is None else labels
        renamed = {**MERGED[classes], **(label_map or {})}
        super().__init__(root, prompt, served, renamed, loading, speaker_independent)

    def _release(self, folder: Path) -> Path:
        """Return the folder that the sessions stand in.

        Raises:
            CorpusError: A session is missing.
        """
        below = folder / "IEMOCAP_full_release"
        release = below if below.is_dir() else folder
        missing = [path for path in sessions(release) if not path.is_dir()]
        if missing:
            raise CorpusError(
                f"IEMOCAP in {folder} has {len(SESSIONS) - len(missing)} of {len(SESSIONS)} "
                f"sessions: looked for {missing[0]}. Unpack the whole release there, or set `root` "
                f"to the folder above; get it from {self.homepage}."
            )
        return release

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield every turn that has a label, by session and scene."""
        for session in sessions(self._release(folder)):
            words = dict(read_transcripts(session / "dialog" / "transcriptions"))
            audio = {
                path.stem: path
                for path in sorted(session.glob("sentences/wav/*/*"))
                if path.suffix.lower() in AUDIO
            }
            for turn, code, start, ratings in read_labels(session / "dialog" / "EmoEvaluation"):
                path = audio.get(turn) or audio_path(session, turn)
                yield Clip(
                    id=turn,
                    corpus=self.name,
                    path=path.relative_to(folder).as_posix(),
                    label=EMOTIONS[code],
                    speaker=speaker_of(turn),
                    transcript=words.get(turn),
                    attributes=ratings,
                    dialog=turn.rpartition("_")[0],
                    turn=start,
                )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their session; None for scenes not wanted."""
        return [replace(clip, split=self._split_of(clip.id)) for clip in clips]

    def _split_of(self, turn: str) -> Split | None:
        name = TURN.fullmatch(turn)
        if name is None or self.scenes not in ("all", SCENES[name[2]]):
            return None
        session = int(name[1])
        if session == self.fold:
            return "test"
        return "val" if session == self.fold % len(SESSIONS) + 1 else "train"


def sessions(release: Path) -> list[Path]:
    """Return the folders that the sessions must stand in."""
    return [release / f"Session{number}" for number in SESSIONS]


def audio_path(session: Path, turn: str) -> Path:
    """Return where the audio of a turn must stand."""
    return session / "sentences" / "wav" / turn.rpartition("_")[0] / f"{turn}.wav"


def speaker_of(turn: str) -> str:
    """Return who speaks.

    Example:
        >>> speaker_of("Ses01F_impro01_M003")
        '1M'
    """
    return turn[4] + turn.rpartition("_")[2][0]


def read_labels(folder: Path) -> Iterator[tuple[str, str, float, dict[str, Rating]]]:
    """Yield the turns of a session with code of label, begin in seconds, and ratings.

    Raises:
        CorpusError: The folder has no such file, or a line is wrong; names what was looked for.
    """
    for file, number, line in lines(folder):
        if not line.startswith("["):
            continue
        found = LINE.fullmatch(line)
        if found is None or not TURN.fullmatch(found[2]) or found[3] not in EMOTIONS:
            raise CorpusError(
                f"{file}, line {number}: {line!r} is not a time, a turn such as "
                f"Ses01F_impro01_F000, one of {', '.join(EMOTIONS)}, and three numbers, with tabs "
                "between. Get the file again."
            )
        values = zip(ATTRIBUTES, map(float, found.groups()[3:]), strict=True)
        ratings = {name: Rating(value, *SCALE) for name, value in values}
        yield found[2], found[3], float(found[1]), ratings


def read_transcripts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the turns of a session with what is said; other lines are left alone.

    Raises:
        CorpusError: The folder has no such file; names what was looked for.
    """
    for _, _, line in lines(folder):
        found = SPOKEN.fullmatch(line)
        text = " ".join(MARK.sub(" ", found[2]).split()) if found else ""
        if found and text:
            yield found[1], text


def lines(folder: Path) -> Iterator[tuple[Path, int, str]]:
    """Yield file, number and text of each line of the scenes' files in a folder.

    Raises:
        CorpusError: There is no such file, or one is not UTF-8.
    """
    files = [path for path in sorted(folder.glob("Ses*.txt")) if path.is_file()]
    if not files:
        raise CorpusError(
            f"IEMOCAP has no text files where they belong: looked for {folder}/Ses*.txt. "
            "Restore the official names of the folders."
        )
    for file in files:
        for number, line in enumerate(lines_of(text_of(file)), start=1):
            yield file, number, line

"""URDU: four emotions cut from Urdu television talk shows.

Layout: ``{Angry,Happy,Neutral,Sad}/SM1_F10_A010.wav`` (or another audio extension): S, gender
M or F and number of the speaker; number of the file; letter of the emotion (A H N S) and number.
400 clips of 29 speakers, very unevenly spread (SM5 alone has 80, nine speakers have 2).

Splits: the release has none and EmoBox's only one shares 18 of its 19 test speakers with
training, so that it measures no new speakers. Here every clip is a test clip: a second corpus
for models trained elsewhere. Whoever watches it during training holds eleven speakers out of the
test (``validation: true``): chosen by hand, so that each emotion has some of their 84 clips (24
angry, 20 happy, 22 neutral, 18 sad) and the busiest speakers stay in the test.

License: none stated; research only. Latif et al. 2018, https://arxiv.org/abs/1812.06411.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from emolit.corpora.base import ROOT, Corpus
from emolit.data.dataset import LoaderSettings
from emolit.errors import CorpusError
from emolit.files.media import AUDIO
from emolit.prompts import Prompt
from emolit.types import Clip

EMOTIONS = {"Angry": "angry", "Happy": "happy", "Neutral": "neutral", "Sad": "sad"}
VALIDATION = frozenset(
    ("SF4", "SF6", "SF10", "SF11", "SM1", "SM3", "SM20", "SM21", "SM23", "SM26", "SM27")
)
"""Speakers that may be held out of the test."""
NAME = re.compile(r"(S[MF]\d+)_F\d+_([AHNS])\d+")


class Urdu(Corpus):
    """URDU: 400 clips, 29 speakers, 4 emotions, all of them for testing.

    Args:
        validation: Hold eleven speakers out of the test, for validation during training. Scores on
            the other 316 clips are not comparable with those on all 400.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes angry, happy, neutral, sad.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: Without effect here: no speaker is in two splits.
    """

    name = "urdu"
    labels: ClassVar = tuple(EMOTIONS.values())
    size: ClassVar = 400
    expected: ClassVar = dict.fromkeys(EMOTIONS.values(), 100)
    homepage: ClassVar = "https://github.com/siddiquelatif/URDU-Dataset"
    license: ClassVar = "none stated; research only"

    def __init__(
        self,
        validation: bool = False,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.validation = validation

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by emotion and name."""
        paths = [path for kind in EMOTIONS for path in sorted(folder.glob(f"{kind}/*"))]
        found = [path for path in paths if path.suffix.lower() in AUDIO]
        if not found:
            raise CorpusError(
                f"No clip of URDU in {folder}: looked for {{{','.join(EMOTIONS)}}}/S*.wav or "
                f".flac. Set `root` to the folder above, or get it from {self.homepage}."
            )
        for path in found:
            yield self._clip(path, path.relative_to(folder).as_posix())

    def _clip(self, path: Path, relative: str) -> Clip:
        name = NAME.fullmatch(path.stem)
        if name is None or name[2] != path.parent.name[0]:
            raise CorpusError(
                f"{path} is no clip of URDU: expected a name like SM1_F10_A010 whose letter fits "
                f"the folder {path.parent.name!r}. Remove the file or get the release again."
            )
        return Clip(
            id=path.stem,
            corpus=self.name,
            path=relative,
            label=EMOTIONS[path.parent.name],
            speaker=name[1],
        )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return every clip as a test clip, but those of speakers that are held out."""
        held_out = VALIDATION if self.validation else frozenset[str]()
        return [
            replace(clip, split="val" if clip.speaker in held_out else "test") for clip in clips
        ]

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say that a part is held out."""
        return ("11 speakers are held out for validation",) if self.validation else ()

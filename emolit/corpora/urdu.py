"""URDU: four emotions cut from Urdu television talk shows.

Layout: ``{Angry,Happy,Neutral,Sad}/SM1_F10_A010.wav`` (or another audio extension): S, gender
M or F and number of the speaker; number of the file; letter of the emotion (A H N S) and number.
400 clips of 29 speakers, very unevenly spread (SM5 alone has 80, nine speakers have 2).

Splits: the release has none and EmoBox's only one shares 18 of its 19 test speakers with
training, so that it measures no new speakers. Here every clip is a test clip: a second corpus
for models trained elsewhere.

License: none stated; research only. Latif et al. 2018, https://arxiv.org/abs/1812.06411.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from emolit.corpora.base import AUDIO, Corpus
from emolit.errors import CorpusError
from emolit.types import Clip

EMOTIONS = {"Angry": "angry", "Happy": "happy", "Neutral": "neutral", "Sad": "sad"}
NAME = re.compile(r"(S[MF]\d+)_F\d+_([AHNS])\d+")


class Urdu(Corpus):
    """URDU: 400 clips, 29 speakers, 4 emotions, all of them for testing.

    Args:
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes angry, happy, neutral, sad.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: Without effect here: there is one split.
    """

    name = "urdu"
    labels: ClassVar = tuple(EMOTIONS.values())
    size: ClassVar = 400
    expected: ClassVar = dict.fromkeys(EMOTIONS.values(), 100)
    homepage: ClassVar = "https://github.com/siddiquelatif/URDU-Dataset"
    license: ClassVar = "none stated; research only"

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
        """Return every clip as a test clip."""
        return [replace(clip, split="test") for clip in clips]

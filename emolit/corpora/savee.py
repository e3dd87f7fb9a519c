"""SAVEE: 120 sentences in seven emotions by each of four British men.

Layout: ``AudioData/DC/a01.wav`` as released, or ``ALL/DC_a01.wav`` as in a common copy (or another
audio extension, and at any depth). The letters tell the emotion: a anger, d disgust, f fear,
h happiness, n neutral, sa sadness, su surprise; then the number of the sentence. A second copy of a
clip is left out and counted. 15 clips of each emotion and speaker, 30 of neutral.

Splits: the release has none. Each of EmoBox's four folds tests one speaker. EmoBox has no
validation list; here the speaker that the next fold tests is held out of the training part:
240 training, 120 validation and 120 test clips.

License: research only, after registration at the University of Surrey. Haq and Jackson 2010.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from lightning.pytorch.utilities import rank_zero_info

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.errors import CorpusError
from emolit.files.disk import below
from emolit.files.media import AUDIO
from emolit.prompts import Prompt
from emolit.types import Clip, Split

EMOTIONS = {
    "a": "angry", "d": "disgust", "f": "fear", "h": "happy",
    "n": "neutral", "sa": "sad", "su": "surprise",
}  # fmt: skip
"""By the letters in the name."""
FOLDS = ("JE", "KL", "DC", "JK")
"""The test speaker of EmoBox's folds 1 to 4."""
NAME = re.compile(r"(DC|JE|JK|KL)[_/](sa|su|[adfhn])(\d\d)")


class Savee(Corpus):
    """SAVEE: 480 clips, 4 speakers, 7 emotions; each of 4 folds leaves one speaker out.

    Args:
        fold: EmoBox's fold, 1 to 4; they test JE, KL, DC and JK.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all seven.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: Without effect here: no speaker stands in two splits.
    """

    name = "savee"
    labels: ClassVar = tuple(EMOTIONS.values())
    size: ClassVar = 480
    expected: ClassVar = {**dict.fromkeys(EMOTIONS.values(), 60), "neutral": 120}
    homepage: ClassVar = "http://kahlan.eps.surrey.ac.uk/savee/"
    license: ClassVar = "research only, after registration"

    def __init__(
        self,
        fold: Literal[1, 2, 3, 4] = 1,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.fold = check_choice(self, "fold", fold, range(1, len(FOLDS) + 1))

    @property
    def emobox_fold(self) -> int:
        """The fold of EmoBox whose lists the splits are."""
        return self.fold

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by speaker and name."""
        paths = [path for path in below(folder) if path.suffix.lower() in AUDIO]
        paths.sort(key=lambda path: (len(path.parts), path))
        found: dict[str, Clip] = {}
        copies = 0
        for path in paths:
            name = NAME.fullmatch(path.stem) or NAME.fullmatch(f"{path.parent.name}/{path.stem}")
            if name is not None:
                clip = self._clip(path.relative_to(folder).as_posix(), name)
                copies += clip.id in found
                found.setdefault(clip.id, clip)
        if not found:
            raise CorpusError(
                f"No clip of SAVEE in {folder}: looked for AudioData/DC/a01.wav and ALL/DC_a01.wav "
                f"at any depth. Set `root` to the folder above, or get it from {self.homepage}."
            )
        if copies:
            rank_zero_info(f"savee: left out {copies} second copies of clips in {folder}")
        return iter([found[key] for key in sorted(found)])

    def _clip(self, path: str, name: re.Match[str]) -> Clip:
        speaker, letters, number = name.groups()
        return Clip(
            id=f"{speaker}_{letters}{number}",
            corpus=self.name,
            path=path,
            label=EMOTIONS[letters],
            speaker=speaker,
        )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their speaker in this fold."""
        splits: dict[str, Split] = dict.fromkeys(FOLDS, "train")
        splits[FOLDS[self.fold % len(FOLDS)]] = "val"
        splits[FOLDS[self.fold - 1]] = "test"
        return [replace(clip, split=splits[clip.speaker or ""]) for clip in clips]

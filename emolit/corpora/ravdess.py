"""RAVDESS: two sentences acted in eight emotions by 24 North American actors.

Layout: ``Actor_NN/03-01-EE-II-SS-RR-AA.wav`` (or the same stem with another audio extension),
24 folders of 60 clips. The stem reads modality (03 audio only), channel (01 speech), emotion,
intensity (01 normal, 02 strong; neutral has 01 only), statement, repetition, actor (odd men, even
women). The folders may stand one level deeper, as unpacked from ``Audio_Speech_Actors_01-24.zip``.
Left out and counted: songs (channel 02), video, and a second copy of a clip.

Splits: the release has none. The test actors are those of EmoBox's six folds. EmoBox has no
validation list; here two men and two women of the training part are held out, other ones in
every fold: 960 training, 240 validation and 240 test clips.

License: CC BY-NC-SA 4.0. Livingstone and Russo 2018, https://doi.org/10.1371/journal.pone.0196391.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
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

ACTORS = range(1, 25)
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")
"""By code, from 01 on."""
STATEMENTS = ("Kids are talking by the door.", "Dogs are sitting by the door.")
FOLDS = (
    (1, 11, 20, 21), (4, 10, 12, 14), (8, 9, 19, 23),
    (3, 5, 7, 24), (2, 15, 16, 18), (6, 13, 17, 22),
)  # fmt: skip
"""Test actors of EmoBox's folds 1 to 6, which part the 24 actors."""
NAME = re.compile(r"(0[1-3])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(0[1-9]|1\d|2[0-4])")


class Ravdess(Corpus):
    """RAVDESS speech: 1,440 clips, 24 actors, 8 emotions, 6 speaker-disjoint folds.

    Args:
        fold: EmoBox's fold, 1 to 6.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all eight, calm included.
        label_map: Renames labels before anything else, for example ``{calm: neutral}``.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers that stand in several splits.
    """

    name = "ravdess"
    labels: ClassVar = EMOTIONS
    size: ClassVar = 1440
    expected: ClassVar = {**dict.fromkeys(EMOTIONS, 192), "neutral": 96}
    homepage: ClassVar = "https://zenodo.org/records/1188976"
    license: ClassVar = "CC BY-NC-SA 4.0"

    def __init__(
        self,
        fold: Literal[1, 2, 3, 4, 5, 6] = 1,
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
        """The fold."""
        return self.fold

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the speech clips, by actor and name."""
        paths = [path for path in below(folder) if path.parent.name.startswith("Actor_")]
        named = [(path, NAME.fullmatch(path.stem)) for path in paths]
        found = {path: name for path, name in named if name and path.suffix.lower() in AUDIO}
        speech = {path: name for path, name in found.items() if name.group(1, 2) == ("03", "01")}
        first = first_of_each_stem(speech)
        if not first:
            raise CorpusError(
                f"No clip of RAVDESS in {folder}: looked for Actor_NN/03-01-*.wav or .flac. "
                f"Set `root` to the folder above, or get the speech part from {self.homepage}."
            )
        if len(first) < len(found):
            rank_zero_info(
                f"ravdess: left out {len(found) - len(speech)} songs and videos and "
                f"{len(speech) - len(first)} second copies of clips in {folder}"
            )
        for path in first:
            yield self._clip(path.relative_to(folder).as_posix(), speech[path])

    def _clip(self, path: str, name: re.Match[str]) -> Clip:
        emotion, statement, actor = (int(name.group(part)) for part in (3, 5, 7))
        return Clip(
            id=name.group(),
            corpus=self.name,
            path=path,
            label=EMOTIONS[emotion - 1],
            speaker=f"{actor:02d}",
            transcript=STATEMENTS[statement - 1],
        )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their actor in this fold."""
        return [replace(clip, split=split_of(int(clip.speaker or 0), self.fold)) for clip in clips]


def first_of_each_stem(paths: Iterable[Path]) -> list[Path]:
    """Keep one path of each stem: the least nested, then the first by name."""
    kept: dict[str, Path] = {}
    for path in sorted(paths, key=lambda path: (len(path.parts), path)):
        kept.setdefault(path.stem, path)
    return sorted(kept.values())


def validation_actors(fold: int) -> tuple[int, ...]:
    """Return two men and two women outside the test part, the first after a start that moves.

    Example:
        >>> validation_actors(1)
        (2, 3, 4, 5)
    """
    start = 4 * (fold - 1)
    after = [*ACTORS[start:], *ACTORS[:start]]
    free = [actor for actor in after if actor not in FOLDS[fold - 1]]
    men = [actor for actor in free if actor % 2 == 1]
    women = [actor for actor in free if actor % 2 == 0]
    return tuple(sorted(men[:2] + women[:2]))


def split_of(actor: int, fold: int) -> Split:
    """Return the split that an actor has in a fold."""
    if actor in FOLDS[fold - 1]:
        return "test"
    return "val" if actor in validation_actors(fold) else "train"

"""TESS: two actresses say "Say the word …" with 200 words in seven emotions.

Layout: ``OAF_back_angry.wav`` (or another audio extension), in any folders: speaker (OAF, aged
64, or YAF, 26), word, emotion (``ps`` is pleasant surprise). Some copies hold the whole tree
twice: that is refused, with the paths. In some a name starts ``OA_``: it is read as OAF.

Splits: the release has none. ``speakers`` trains on one actress and tests the other: fold 1
tests OAF, fold 2 YAF; nobody is left for validation, so choose checkpoints on another corpus.
``emobox`` takes EmoBox's only fold, which was drawn at random: both actresses train and test, so
that it needs ``speaker_independent: false`` and is reported as such.

License: CC BY-NC-ND 4.0. Pichora-Fuller and Dupuis 2020, https://doi.org/10.5683/SP2/E8H2MF.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.data.emobox_folds import FoldLists, assign_splits
from emolit.errors import CorpusError
from emolit.files.disk import below
from emolit.files.media import AUDIO
from emolit.prompts import Prompt
from emolit.types import Clip

EMOTIONS = {
    "angry": "angry", "disgust": "disgust", "fear": "fear", "happy": "happy",
    "neutral": "neutral", "ps": "surprise", "sad": "sad",
}  # fmt: skip
SPEAKERS = ("OAF", "YAF")
NAME = re.compile(rf"([OY]A)F?_([a-z]+)_({'|'.join(EMOTIONS)})")


class Tess(Corpus):
    """TESS: 2,800 clips, 2 women, 7 emotions.

    Args:
        fold: 1 tests OAF, 2 tests YAF; of EmoBox's splits 1.
        splits: ``speakers`` leaves one out; ``emobox`` takes EmoBox's lists, which mix them.
        lists: EmoBox's ``data`` folder, relative to ``root``; for ``emobox`` only.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all seven.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers that stand in several splits.
    """

    name = "tess"
    labels: ClassVar = tuple(EMOTIONS.values())
    size: ClassVar = 2800
    expected: ClassVar = dict.fromkeys(EMOTIONS.values(), 400)
    homepage: ClassVar = "https://doi.org/10.5683/SP2/E8H2MF"
    license: ClassVar = "CC BY-NC-ND 4.0"

    def __init__(
        self,
        fold: int = 1,
        splits: Literal["speakers", "emobox"] = "speakers",
        lists: str = "emobox",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        folds = {"speakers": len(SPEAKERS), "emobox": 1}
        self.splits = check_choice(self, "splits", splits, folds)
        self.fold = check_choice(
            self, "fold", fold, range(1, folds[splits] + 1), f"`splits: {splits}`"
        )
        self.lists = lists

    @property
    def emobox_fold(self) -> int | None:
        """The fold, of EmoBox's splits."""
        return self.fold if self.splits == "emobox" else None

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by path."""
        named = [(path, NAME.fullmatch(path.stem)) for path in below(folder)]
        found = [(path, name) for path, name in named if name and path.suffix.lower() in AUDIO]
        if not found:
            raise CorpusError(
                f"No clip of TESS in {folder}: looked for OAF_back_angry.wav and its like, or "
                f".flac, at any depth. Set `root` to the folder above, or get it from "
                f"{self.homepage}."
            )
        for path, name in found:
            speaker = f"{name[1]}F"
            yield Clip(
                id=f"{speaker}_{name[2]}_{name[3]}",
                corpus=self.name,
                path=path.relative_to(folder).as_posix(),
                label=EMOTIONS[name[3]],
                speaker=speaker,
                transcript=f"Say the word {name[2]}.",
            )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their speaker, or with that of EmoBox's list."""
        if self.splits == "emobox":
            return assign_splits(
                clips, self.emobox.splits(self.fold, lambda row: row.stem), self.emobox
            )
        tested = SPEAKERS[self.fold - 1]
        return [
            replace(clip, split="test" if clip.speaker == tested else "train") for clip in clips
        ]

    @property
    def emobox(self) -> FoldLists:
        """EmoBox's lists of this corpus."""
        return FoldLists(Path(self.root) / self.lists, self.name)

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say that there is no validation part, or where EmoBox's comes from."""
        if self.splits == "speakers":
            return ("no validation part: the release has two speakers",)
        return (f"EmoBox's fold {self.fold}", self.emobox.note(self.fold, clips))

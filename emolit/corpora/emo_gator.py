"""EmoGator: vocal bursts, short sounds without words, in thirty fine categories.

Layout: ``data/mp3/000001-01-1.mp3`` (or another audio extension): contributor 000001 to 000357,
category 01 to 30, instance 1 to 3, exactly 90 files a contributor. Rates and channels are mixed,
even within one contributor. Nothing is said: there are no transcripts.

A clip has its category twice: as an open word, the release's own name in lower case ("romantic
love", "surprise (negative)"), and as a label, canonical where there is such a name ("anger" is
angry). The prompt decides which is asked for, the evaluator which is scored.

Splits: the release has none. Ours are five folds of contributors, by remainders of five of their
numbers: fold 1 tests 1, 6, 11, …; of the next remainder those with an even quotient are for
validation. So a part of the release has the splits of the whole.

License: Apache-2.0. Buhl 2023, https://arxiv.org/abs/2301.00508.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.data.folds import FOLDS
from emolit.errors import CorpusError
from emolit.files.media import AUDIO
from emolit.prompts import Prompt
from emolit.types import Clip, Split

CATEGORIES = (
    "adoration", "amusement", "anger", "awe", "confusion", "contempt", "contentment", "desire",
    "disappointment", "disgust", "distress", "ecstasy", "elation", "embarrassment", "fear", "guilt",
    "interest", "neutral", "pain", "pride", "realization", "relief", "romantic love", "sadness",
    "serenity", "shame", "surprise (negative)", "surprise (positive)", "sympathy", "triumph",
)  # fmt: skip
"""By number, from 01 on."""
CANONICAL = {"anger": "angry", "sadness": "sad"}
"""Categories that emolit knows under another name."""
NAME = re.compile(r"(\d{6})-(\d\d)-([123])")


class EmoGator(Corpus):
    """EmoGator: 32,130 vocal bursts, 357 contributors, 30 categories, as words and as labels.

    Args:
        fold: Which fifth of the contributors is tested, 1 to 5.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all thirty.
        label_map: Renames labels before anything else; words stay as they are.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: Without effect here: no contributor stands in two splits.
    """

    name = "emogator"
    labels: ClassVar = tuple(CANONICAL.get(name, name) for name in CATEGORIES)
    size: ClassVar = 32_130
    expected: ClassVar = dict.fromkeys(labels, 1071)
    homepage: ClassVar = "https://github.com/fredbuhl/EmoGator"
    license: ClassVar = "Apache-2.0"

    def __init__(
        self,
        fold: Literal[1, 2, 3, 4, 5] = 1,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.fold = check_choice(self, "fold", fold, range(1, FOLDS + 1))

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by name."""
        paths = sorted(folder.glob("data/mp3/[!.]*"))
        found = [path for path in paths if path.suffix.lower() in AUDIO]
        if not found:
            raise CorpusError(
                f"No clip of EmoGator in {folder}: looked for {folder}/data/mp3/000001-01-1.mp3. "
                f"Set `root` to the folder above, or get it from {self.homepage}."
            )
        for path in found:
            yield self._clip(path, path.relative_to(folder).as_posix())

    def _clip(self, path: Path, relative: str) -> Clip:
        name = NAME.fullmatch(path.stem)
        if name is None or int(name[2]) not in range(1, len(CATEGORIES) + 1):
            raise CorpusError(
                f"{path} is no clip of EmoGator: expected a name like 000001-30-1, contributor, "
                "category 01 to 30 and instance 1 to 3. Remove the file or get the release again."
            )
        category = CATEGORIES[int(name[2]) - 1]
        return Clip(
            id=path.stem,
            corpus=self.name,
            path=relative,
            label=CANONICAL.get(category, category),
            speaker=name[1],
            words=(category,),
        )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their contributor."""
        return [replace(clip, split=split_of(int(clip.speaker or 0), self.fold)) for clip in clips]


def split_of(contributor: int, fold: int) -> Split:
    """Return the split that a contributor has in a fold.

    Example:
        >>> split_of(1, 1), split_of(2, 1), split_of(7, 1), split_of(8, 1)
        ('test', 'val', 'train', 'train')
    """
    quotient, hand = divmod(contributor, FOLDS)
    if hand == fold % FOLDS:
        return "test"
    return "val" if hand == (fold + 1) % FOLDS and quotient % 2 == 0 else "train"

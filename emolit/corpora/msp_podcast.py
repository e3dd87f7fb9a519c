"""MSP-Podcast: turns out of podcasts, rated by listeners, in one of its versions.

Layout: ``Audios/MSP-PODCAST_0001_0008.wav`` and ``Labels/labels_consensus.csv`` (in 1.8
``labels_concensus.csv``) with at least the columns ``FileName, EmoClass, SpkrID, Split_Set``,
found by name; ``EmoAct, EmoVal, EmoDom`` rate arousal, valence and dominance from 1 to 7. Every
version renames, relabels and adds clips: the version is part of the
corpus's name, and its folder is ``root/msp_podcast_v1_8`` and the like.

Labels: A angry, S sad, H happy, U surprise, F fear, D disgust, C contempt, N neutral. O (other)
and X (no agreement) are dropped and counted unless ``labels`` names them.

Splits: the release's own: Train, Validation (later Development), Test1, Test2, and later Test3,
whose labels are not public. One test set is served at a time. ``SpkrID`` may be ``Unknown``: as
soon as that stands in two splits nobody knows whether they share speakers, and
``speaker_independent: false`` must say so.

License: signed academic agreement. Lotfian and Busso 2019,
https://doi.org/10.1109/TAFFC.2017.2736999.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from emolit.corpora.base import ROOT, Corpus
from emolit.data.dataset import LoaderSettings
from emolit.errors import ConfigError, CorpusError
from emolit.files.table import Row, read_table
from emolit.prompts import Prompt
from emolit.types import Clip, Rating, Split

EMOTIONS = {
    "A": "angry", "S": "sad", "H": "happy", "U": "surprise", "F": "fear", "D": "disgust",
    "C": "contempt", "N": "neutral", "O": "other", "X": "no agreement",
}  # fmt: skip
SPLITS: dict[str, Split | None] = {
    "Train": "train", "Validation": "val", "Development": "val",
    "Test1": None, "Test2": None, "Test3": None,
}  # fmt: skip
"""Names in ``Split_Set``; which test set is served is a setting."""
SPELLINGS = ("labels_consensus.csv", "labels_concensus.csv")
ATTRIBUTES = {"valence": "EmoVal", "arousal": "EmoAct", "dominance": "EmoDom"}
"""Attributes to columns, where the file has them."""
SCALE = (1.0, 7.0)
"""Of the release's manikins."""
COLUMNS = ("FileName", "EmoClass", "SpkrID", "Split_Set")
VERSION = re.compile(r"v\d+\.\d+")


class MspPodcast(Corpus):
    """MSP-Podcast in one version: 8 emotions, official splits.

    Args:
        version: For example v1.10 (with the v: without it YAML reads the number 1.1).
        test_set: Which official test set is served.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes the eight emotions.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers in several splits, and unknown speakers.
    """

    labels: ClassVar = tuple(EMOTIONS[letter] for letter in "ASHUFDCN")
    homepage: ClassVar = "https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html"
    license: ClassVar = "signed academic agreement"

    def __init__(
        self,
        version: str,
        test_set: Literal["Test1", "Test2"] = "Test1",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        if not VERSION.fullmatch(version):
            raise ConfigError(f"`version` of MspPodcast is {version!r}; write it like v1.10.")
        self.name = f"msp_podcast_{version.replace('.', '_')}"
        self.test_set = test_set

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips in the order of the label file."""
        files = [folder / "Labels" / name for name in SPELLINGS]
        found = next((file for file in files if file.is_file()), None)
        if found is None:
            raise CorpusError(
                f"The labels of {self.name!r} are missing: looked for {files[0]}, also spelled "
                f"{SPELLINGS[1]}. Set `root` to the folder above, or get it from {self.homepage}."
            )
        return map(self._clip, read_table(found, COLUMNS))

    def _clip(self, row: Row) -> Clip:
        letter, part = row.text("EmoClass"), row.required("Split_Set")
        if part not in SPLITS:
            raise row.error(
                f"the Split_Set {part!r} is unknown", f"It is one of {', '.join(SPLITS)}."
            )
        if letter not in EMOTIONS and (letter or part != "Test3"):
            raise row.error(
                f"the EmoClass {letter!r} is unknown", f"It is one of {', '.join(EMOTIONS)}."
            )
        speaker = row.text("SpkrID")
        return Clip(
            id=Path(row.required("FileName")).stem,
            corpus=self.name,
            path=f"Audios/{row.required('FileName')}",
            label=EMOTIONS[letter] if letter else None,
            speaker=None if speaker in (None, "Unknown") else speaker,
            split="test" if part == self.test_set else SPLITS[part],
            attributes={
                name: Rating(value, *SCALE)
                for name, column in ATTRIBUTES.items()
                if (value := row.decimal(column)) is not None
            },
        )

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say which test set is served."""
        return (f"official splits, {self.test_set}",)

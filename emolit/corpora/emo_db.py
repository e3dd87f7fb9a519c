"""EMO-DB: ten German sentences acted in seven emotions by ten actors.

Layout: ``wav/03a01Fa.wav`` (or another audio extension): speaker (two digits), sentence, letter
of the emotion, version. The letters are German: W anger (Wut), L boredom (Langeweile), N neutral,
F happiness (Freude), A fear (Angst), T sadness (Trauer), E disgust (Ekel). An
``audio_labels.csv`` that circulates with a copy takes F, A and E for English: the letter decides.
Version 2.0 of the release (audformat) is not read.

Splits: the release has none. ``speakers`` leaves one speaker out for testing in each of ten
folds, in the order of their numbers; the next man and the next woman after them are for
validation. ``emobox`` takes EmoBox's five folds, which were drawn at random: all ten speakers
train and test, so that it needs ``speaker_independent: false`` and is reported as such.

License: CC BY 4.0 by a catalog, none stated in the old release. Burkhardt et al. 2005,
https://doi.org/10.21437/Interspeech.2005-446.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.audio_check import AudioRecord
from emolit.data.dataset import LoaderSettings
from emolit.data.emobox_folds import FoldLists, assign_splits
from emolit.errors import CorpusError
from emolit.files.media import AUDIO
from emolit.prompts import Prompt
from emolit.types import Clip, Split

EMOTIONS = {
    "W": "angry", "L": "boredom", "N": "neutral", "F": "happy", "A": "fear", "T": "sad",
    "E": "disgust",
}  # fmt: skip
SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute Abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}
MEN, WOMEN = ("03", "10", "11", "12", "15"), ("08", "09", "13", "14", "16")
SPEAKERS = tuple(sorted(MEN + WOMEN))
NAME = re.compile(rf"({'|'.join(SPEAKERS)})({'|'.join(SENTENCES)})([{''.join(EMOTIONS)}])[a-z]")
RECUT = 2.0
"""Seconds of every file of a copy that was cut anew."""


class EmoDb(Corpus):
    """EMO-DB: 535 clips, 10 German speakers, 7 emotions.

    Args:
        fold: 1 to 10, the speaker tested; of EmoBox's splits 1 to 5.
        splits: ``speakers`` leaves one out; ``emobox`` takes EmoBox's lists, which mix them.
        lists: EmoBox's ``data`` folder, relative to ``root``; for ``emobox`` only.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all seven, boredom included.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers that stand in several splits.
    """

    name = "emodb"
    labels: ClassVar = tuple(EMOTIONS.values())
    size: ClassVar = 535
    expected: ClassVar = {
        "angry": 127, "boredom": 81, "neutral": 79, "happy": 71, "fear": 69, "sad": 62,
        "disgust": 46,
    }  # fmt: skip
    homepage: ClassVar = "http://emodb.bilderbar.info"
    license: ClassVar = "CC BY 4.0 by a catalog"

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
        folds = {"speakers": len(SPEAKERS), "emobox": 5}
        self.splits = check_choice(self, "splits", splits, folds)
        self.fold = check_choice(
            self, "fold", fold, range(1, folds[splits] + 1), f"`splits: {splits}`"
        )
        self.lists = lists

    @property
    def emobox_fold(self) -> int | None:
        """The fold, of EmoBox's splits."""
        return self.fold if self.splits == "emobox" else None

    def entries(self) -> tuple[AudioRecord, ...]:
        """Return all clips; a copy whose files were all cut to one length is refused."""
        found = super().entries()
        if len(found) > 1 and all(entry.clip.seconds == RECUT for entry in found):
            raise CorpusError(
                f"Every file in {self.location} lasts {RECUT} s: this is a copy that was cut anew "
                f"and not EMO-DB. Get the release from {self.homepage}."
            )
        return found

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by name."""
        paths = [path for path in sorted(folder.glob("wav/*")) if path.suffix.lower() in AUDIO]
        if not paths:
            raise CorpusError(
                f"No clip of EMO-DB in {folder}: looked for wav/03a01Fa.wav and its like, or "
                f".flac. Set `root` to the folder above, or get it from {self.homepage}."
            )
        for path in paths:
            yield self._clip(path, path.relative_to(folder).as_posix())

    def _clip(self, path: Path, relative: str) -> Clip:
        name = NAME.fullmatch(path.stem)
        if name is None:
            raise CorpusError(
                f"{path} is no clip of EMO-DB: expected a name like 03a01Fa, that is speaker, "
                "sentence, letter and version. Remove the file or get the release again."
            )
        return Clip(
            id=path.stem,
            corpus=self.name,
            path=relative,
            label=EMOTIONS[name[3]],
            speaker=name[1],
            transcript=SENTENCES[name[2]],
        )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their speaker, or with that of EmoBox's lists."""
        if self.splits == "speakers":
            return [replace(clip, split=split_of(clip.speaker, self.fold)) for clip in clips]
        return assign_splits(
            clips, self.emobox.splits(self.fold, lambda row: row.stem), self.emobox
        )

    @property
    def emobox(self) -> FoldLists:
        """EmoBox's lists of this corpus."""
        return FoldLists(Path(self.root) / self.lists, self.name)

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say where EmoBox's splits mix speakers and validation comes from."""
        if self.splits == "speakers":
            return ()
        return (f"EmoBox's fold {self.fold}", self.emobox.note(self.fold, clips))


def split_of(speaker: str | None, fold: int) -> Split:
    """Return the split of a speaker where that of the fold is left out.

    Example:
        >>> [speaker for speaker in SPEAKERS if split_of(speaker, 3) == "val"]
        ['10', '13']
    """
    tested = SPEAKERS[fold - 1]
    if speaker == tested:
        return "test"
    after = [*SPEAKERS[fold:], *SPEAKERS[: fold - 1]]
    held = [next(other for other in after if other in group) for group in (MEN, WOMEN)]
    return "val" if speaker in held else "train"

"""CREMA-D: twelve sentences acted in six emotions by 91 actors, and judged by the crowd.

Layout, in the corpus folder or in ``CREMA-D`` below it: ``AudioWAV/1001_DFA_ANG_XX.wav`` (or with
another audio extension): actor, sentence, emotion acted, level (LO, MD, HI; XX unspecified);
``processedResults/tabulatedVotes.csv``: how many raters heard which emotion; its row numbers start
with 1 where they heard the voice alone (2 saw the face, 3 both). ``1076_MTI_SAD_XX`` has no audio
in the release; it is left out and counted.

Two truths: what the actor was told to show (``intended``), and what most raters heard in the voice
(``perceived``). They agree in 3,099 of 7,442 clips only, so every number depends on the choice; 644
clips have no single most frequent vote and no perceived label. Votes come with each clip in both
cases, as soft labels.

Splits: the release has none, and EmoBox's only one has all 91 actors on both sides, so that it
measures no new speakers. Ours are five, by the last digit of the actor's number: fold 1 tests 0
and 1 and validates on 2, fold 2 tests 2 and 3, validates on 4, and so on: 18 or 19 actors for test,
9 for validation, women and men in each. EmoBox's is served out of its own lists when `splits` says
``emobox`` and `speaker_independent` false. It has no validation list: fold 1's validation actors
are held out of its training part.

License: ODbL 1.0, contents DbCL 1.0. Cao et al. 2014, https://doi.org/10.1109/TAFFC.2014.2336244.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from lightning.pytorch.utilities import rank_zero_info

from emolit.affect.votes import majority
from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.census import shorten
from emolit.data.dataset import LoaderSettings
from emolit.errors import CorpusError
from emolit.files.media import AUDIO
from emolit.files.table import read_table
from emolit.prompts import Prompt
from emolit.types import Clip, Split

EMOTIONS = {
    "ANG": "angry", "HAP": "happy", "NEU": "neutral", "SAD": "sad", "FEA": "fear", "DIS": "disgust",
}  # fmt: skip
"""By code; its first letter is the name of a column of votes."""
SENTENCES = {
    "IEO": "It's eleven o'clock.", "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.", "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.", "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.", "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.", "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.", "WSI": "We'll stop in a couple of minutes.",
}  # fmt: skip
NAME = re.compile(rf"(10\d\d)_({'|'.join(SENTENCES)})_({'|'.join(EMOTIONS)})_(LO|MD|HI|XX?)")
VOICE = re.compile(r"1\d{5}")
"""Rows of votes about the voice alone."""
VOTES = "processedResults/tabulatedVotes.csv"
FOLDS = 5
LIST = "cremad/fold_1/cremad_test_fold_1.jsonl"
TRAINING: dict[Split, Split] = {"train": "train", "val": "val", "test": "train"}
"""Our split to that of a clip in EmoBox's training part."""


class CremaD(Corpus):
    """CREMA-D: 7,442 clips, 91 actors, 6 emotions acted, with votes of raters.

    Args:
        truth: ``intended`` is what the actor was told to show; ``perceived`` what most raters heard
            in the voice, ties left out and counted.
        splits: ``speakers`` keeps actors apart; ``emobox`` serves EmoBox's split, which shares
            them: it needs ``speaker_independent: false``.
        fold: Which actors are tested, 1 to 5. EmoBox has fold 1 only.
        lists: EmoBox's ``data`` folder, relative to ``root``; for ``emobox`` only.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all six.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers that stand in several splits.
    """

    name = "cremad"
    labels: ClassVar = tuple(EMOTIONS.values())
    size: ClassVar = 7442
    broken: ClassVar = frozenset({"1076_MTI_SAD_XX"})
    homepage: ClassVar = "https://github.com/CheyneyComputerScience/CREMA-D"
    license: ClassVar = "ODbL 1.0, contents DbCL 1.0"

    def __init__(
        self,
        truth: Literal["intended", "perceived"] = "intended",
        splits: Literal["speakers", "emobox"] = "speakers",
        fold: Literal[1, 2, 3, 4, 5] = 1,
        lists: str = "emobox",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        folds = {"speakers": FOLDS, "emobox": 1}
        self.truth = check_choice(self, "truth", truth, ("intended", "perceived"))
        self.splits = check_choice(self, "splits", splits, folds)
        self.fold = check_choice(
            self, "fold", fold, range(1, folds[splits] + 1), f"`splits: {splits}`"
        )
        self.lists = lists

    @property
    def emobox_fold(self) -> int | None:
        """The fold of EmoBox whose lists the splits are; None where they are ours."""
        return self.fold if self.splits == "emobox" else None

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by name."""
        release = release_in(folder)
        paths = sorted(release.glob("AudioWAV/[!.]*"))
        found = [path for path in paths if path.suffix.lower() in AUDIO]
        if not found:
            raise CorpusError(
                f"No clip of CREMA-D in {folder}: looked for {release}/AudioWAV/1001_*.wav. "
                f"Set `root` to the folder above, or get it from {self.homepage}."
            )
        votes = self._votes(release / VOTES)
        for path in found:
            yield self._clip(path, path.relative_to(folder).as_posix(), votes)

    def _votes(self, file: Path) -> dict[str, dict[str, int]]:
        """Return the votes of each clip; nothing without the table, if labels do not need it."""
        if file.is_file():
            return read_votes(file)
        if self.truth == "perceived":
            raise CorpusError(
                f"The votes of CREMA-D are missing: looked for {file}. Get them from "
                f"{self.homepage}, or set `truth: intended`."
            )
        rank_zero_info(f"{self.name}: no votes, as {file} is missing")
        return {}

    def _clip(self, path: Path, relative: str, votes: Mapping[str, dict[str, int]]) -> Clip:
        name = NAME.fullmatch(path.stem)
        if name is None:
            raise CorpusError(
                f"{path} is no clip of CREMA-D: expected a name like 1001_DFA_ANG_XX. Remove the "
                "file or get the release again."
            )
        actor, sentence, code, level = name.groups()
        who = f"{actor}_{sentence}_{code}_{'XX' if level == 'X' else level}"
        if votes and who not in votes:
            raise CorpusError(
                f"{path} has no row in tabulatedVotes.csv. Get that file again, or remove the clip."
            )
        counts = votes.get(who, {})
        return Clip(
            id=who,
            corpus=self.name,
            path=relative,
            label=EMOTIONS[code] if self.truth == "intended" else majority(counts),
            speaker=actor,
            transcript=SENTENCES[sentence],
            votes=counts,
        )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of their actor, or with that of EmoBox."""
        placed = [replace(clip, split=split_of(clip.speaker or "", self.fold)) for clip in clips]
        if self.splits == "speakers":
            return placed
        tests = self._test_clips({clip.id for clip in clips})
        return [
            replace(clip, split="test" if clip.id in tests else TRAINING[clip.split or "train"])
            for clip in placed
        ]

    def _test_clips(self, known: set[str]) -> set[str]:
        """Return the clips of EmoBox's test list.

        Raises:
            CorpusError: The list is missing, or names clips that the release lacks.
        """
        file = Path(self.root) / self.lists / LIST
        if not file.is_file():
            raise CorpusError(
                f"EmoBox's test list of CREMA-D is missing: looked for {file}. Set `lists` to the "
                "folder `data` of https://github.com/emo-box/EmoBox, or `splits: speakers`."
            )
        tests = {Path(row.required("wav")).stem for row in read_table(file, ("wav",))}
        if missing := sorted(tests.difference(known)):
            raise CorpusError(
                f"{file} lists {len(missing)} clips that are not in {self.location}: "
                f"{shorten(missing, ', ')}. Get the release again."
            )
        return tests


def release_in(folder: Path) -> Path:
    """Return the folder that AudioWAV stands in: this one, or a clone below it."""
    clone = folder / "CREMA-D"
    return clone if clone.is_dir() else folder


def read_votes(file: Path) -> dict[str, dict[str, int]]:
    """Return how many raters of the voice alone heard which emotion, by clip.

    Raises:
        CorpusError: A number is none, or there is no row; names file, row and value.
    """
    letters = {code[0]: label for code, label in EMOTIONS.items()}
    found: dict[str, dict[str, int]] = {}
    for row in read_table(file, ("", "fileName", *letters)):
        if VOICE.fullmatch(row.required("")):
            counts = {label: row.required(letter) for letter, label in letters.items()}
            if not all(count.isdecimal() for count in counts.values()):
                raise row.error(f"the votes {counts} are no counts", "Get the file again.")
            found[row.required("fileName")] = {
                label: int(count) for label, count in counts.items() if int(count)
            }
    if not found:
        raise CorpusError(f"{file} has no rows of the voice, numbered 1xxxxx. Get it again.")
    return found


def split_of(actor: str, fold: int) -> Split:
    """Return the split that an actor has in a fold.

    Example:
        >>> split_of("1010", 1), split_of("1011", 1), split_of("1012", 1), split_of("1013", 1)
        ('test', 'test', 'val', 'train')
    """
    digit, first = int(actor[-1]), 2 * (fold - 1)
    if digit in (first, first + 1):
        return "test"
    return "val" if digit == (first + 2) % 10 else "train"

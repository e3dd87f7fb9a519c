"""MELD: dialogs of the television series Friends, cut into utterances of seven emotions.

Layout: ``train_sent_emo.csv``, ``dev_sent_emo.csv``, ``test_sent_emo.csv`` and the folders
``train_splits``, ``dev_splits_complete`` and ``output_repeated_splits_test`` with a video an
utterance, ``dia0_utt0.mp4``; each at any depth. Audio taken out of the videos may lie in the same
folders under the same stems and is preferred. Only exact names count: the test folder also holds
other videos, and copies from a Mac hold ``._dia…`` files. Numbers restart in each split: the split
is part of the identity.

Two videos are missing or broken in every copy, ``dia125_utt3`` of train and ``dia110_utt7`` of dev;
they are left out and counted. Two of test are minutes long by wrong time stamps (``dia38_utt4``,
305 s, and ``dia220_utt0``, 235 s); they are cut like other long clips. A few last 0.06 s and are
kept. Clips may hold laughter and other people's voices.

Splits: the official ones share speakers. All six main characters, who say 83 % of the utterances,
stand in all three, and 96 % of the test utterances are of people heard in training. So they measure
no new speakers, and are served when `splits` says ``official`` and `speaker_independent` false.
The default is ours: fold k tests the k-th main character, the next one is held out for validation,
and everyone else trains (small parts vary in spelling and share names such as "Woman", so that
nobody can tell them apart). Utterances of several people at once are in no split.

License: GPL-3.0 for the annotation; the videos belong to their owners. Poria et al. 2019,
https://arxiv.org/abs/1810.02508.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.errors import CorpusError
from emolit.files.disk import below
from emolit.files.media import Media
from emolit.files.table import Row, read_table
from emolit.prompts import Prompt
from emolit.types import Clip, Split

EMOTIONS = {
    "anger": "angry", "joy": "happy", "neutral": "neutral", "sadness": "sad",
    "fear": "fear", "disgust": "disgust", "surprise": "surprise",
}  # fmt: skip
FOLDERS = {
    "train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test",
}  # fmt: skip
"""Where the release keeps the videos of its splits."""
PARTS: dict[str, Split] = {"train": "train", "dev": "val", "test": "test"}
COLUMNS = ("Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID")
NAME = re.compile(r"dia\d+_utt\d+")
MAIN = ("Chandler", "Joey", "Monica", "Phoebe", "Rachel", "Ross")
"""Main characters, tested in folds 1 to 6."""
SAME_VOICE = {"Ursula": "Phoebe", "Dr. Drake Remoray": "Joey"}
"""Roles that the actors of main characters play besides."""
SEVERAL = re.compile(r".+ and .+|All|Both|The Guys|Her-Friends")


class Meld(Corpus):
    """MELD: 13,708 utterances of television, 7 emotions, audio out of MP4.

    Args:
        splits: ``speakers`` tests a main character who was never heard in training;
            ``official`` serves the release's own splits, which share speakers: it needs
            ``speaker_independent: false``.
        fold: The main character who is tested: 1 Chandler, 2 Joey, 3 Monica, 4 Phoebe, 5 Rachel,
            6 Ross. There is one official fold.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all seven.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers that stand in several splits.
    """

    name = "meld"
    labels: ClassVar = tuple(EMOTIONS.values())
    size: ClassVar = 13_708
    expected: ClassVar = {
        "angry": 1607, "happy": 2308, "neutral": 6436, "sad": 1002, "fear": 358, "disgust": 361,
        "surprise": 1636,
    }  # fmt: skip
    broken: ClassVar = frozenset({"train_dia125_utt3", "dev_dia110_utt7"})
    homepage: ClassVar = "https://github.com/declare-lab/MELD"
    license: ClassVar = "GPL-3.0 (annotation)"

    def __init__(
        self,
        splits: Literal["speakers", "official"] = "speakers",
        fold: Literal[1, 2, 3, 4, 5, 6] = 1,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        folds = {"speakers": len(MAIN), "official": 1}
        self.splits = check_choice(self, "splits", splits, folds)
        self.fold = check_choice(
            self, "fold", fold, range(1, folds[splits] + 1), f"`splits: {splits}`"
        )

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the utterances of the three tables in their order."""
        for split, videos in FOLDERS.items():
            table = self._find(folder, f"{split}_sent_emo.csv")
            place = self._find(folder, videos)
            media = Media(place, (".",))
            for row in read_table(table, COLUMNS):
                stem = f"dia{row.required('Dialogue_ID')}_utt{row.required('Utterance_ID')}"
                heard, seen = media.find(stem)
                below = place.relative_to(folder)
                yield replace(
                    self._clip(row, split, stem),
                    path=(below / heard).as_posix(),
                    video=None if seen is None else (below / seen).as_posix(),
                )

    def _find(self, folder: Path, name: str) -> Path:
        """Return the least nested file or folder of this name.

        Raises:
            CorpusError: There is none.
        """
        found = sorted(below(folder, name), key=lambda path: (len(path.parts), path))
        if not found:
            raise CorpusError(
                f"MELD in {folder} is not complete: looked for {name} at any depth. Unpack "
                f"MELD.Raw.tar.gz and the archives in it there, keep their names, and put the csv "
                f"files beside them; get it from {self.homepage}."
            )
        return found[0]

    def _clip(self, row: Row, split: str, stem: str) -> Clip:
        """Return a clip without recording."""
        emotion, who = row.required("Emotion"), row.required("Speaker")
        if emotion not in EMOTIONS:
            raise row.error(
                f"the emotion {emotion!r} is none of {', '.join(EMOTIONS)}", "Get the table again."
            )
        if not NAME.fullmatch(stem):
            raise row.error(
                f"{stem!r} is no name like dia0_utt0", "Write dialog and utterance as numbers."
            )
        return Clip(
            id=f"{split}_{stem}",
            corpus=self.name,
            path="",
            label=EMOTIONS[emotion],
            speaker=SAME_VOICE.get(who, who.split("/")[0]),
            split=PARTS[split],
            transcript=" ".join((row.text("Utterance") or "").split()) or None,
            dialog=f"{split}_{stem.partition('_')[0]}",
            turn=float(stem.partition("_utt")[2]),
        )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the official split, or with that of their speaker."""
        if self.splits == "official":
            return list(clips)
        return [replace(clip, split=self._split_of(clip.speaker or "")) for clip in clips]

    def _split_of(self, speaker: str) -> Split | None:
        if SEVERAL.fullmatch(speaker):
            return None
        if speaker == MAIN[self.fold - 1]:
            return "test"
        return "val" if speaker == MAIN[self.fold % len(MAIN)] else "train"

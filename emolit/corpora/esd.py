"""ESD: 350 parallel sentences a language, read in five emotions by 10 + 10 speakers.

Layout: ``0001/Angry/0001_000351.wav`` (or another audio extension) below any folders, in an older
packing ``0001/Angry/{train,evaluation,test}/0001_000351.wav``. Speakers 0001 to 0010 speak
Mandarin, 0011 to 0020 English. A speaker's clips are numbered in blocks of 350: neutral, angry,
happy, sad, surprise. Beside the folders of a speaker ``0001.txt``: id, text and emotion,
tab-separated, in UTF-8 or UTF-16, or else Mandarin in GB 18030 and English in cp1252. Lines
without three fields are left out and counted; the emotion, in Chinese for Mandarin, is not used.

Splits: ``speakers`` are EmoBox's five folds of four test speakers each; a man and a woman of each
language are held out for validation, others in every fold. ``official`` is the release's own:
in each block sentences 1 to 20 are for evaluation, 21 to 50 for test, the rest for training. All
speakers stand in all parts, and every sentence in one part only; that needs
``speaker_independent: false``. Where folders state the part they must agree.

License: research only, on request. Zhou et al. 2021, https://arxiv.org/abs/2010.14794.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal

from lightning.pytorch.utilities import rank_zero_info

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.errors import CorpusError
from emolit.files.disk import below, guess_encoding, lines_of, text_of
from emolit.files.media import AUDIO
from emolit.prompts import Prompt
from emolit.types import Clip, Split

EMOTIONS = ("neutral", "angry", "happy", "sad", "surprise")
"""In the order of their blocks of 350 numbers."""
BLOCK = 350
SPEAKERS = tuple(f"{number:04d}" for number in range(1, 21))
WOMEN = frozenset(f"{number:04d}" for number in (1, 2, 3, 7, 9, 15, 16, 17, 18, 19))
FOLDS = (
    ("0005", "0011", "0016", "0018"), ("0012", "0014", "0015", "0019"),
    ("0003", "0004", "0006", "0009"), ("0007", "0008", "0013", "0020"),
    ("0001", "0002", "0010", "0017"),
)  # fmt: skip
"""Test speakers of EmoBox's folds 1 to 5, which part the 20 speakers."""
PARTS: dict[str, Split] = {"train": "train", "evaluation": "val", "test": "test"}
NAME = re.compile(r"(\d{4})_(\d{6})")


class Esd(Corpus):
    """ESD: 35,000 clips, 20 speakers of Mandarin and English, 5 emotions.

    Args:
        fold: EmoBox's fold, 1 to 5; without effect on the official splits.
        splits: ``speakers`` are EmoBox's speaker-disjoint folds, ``official`` the release's own
            parts, which share all speakers.
        language: ``en`` or ``zh`` serves ten speakers; None serves all.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all five.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers that stand in several splits.
    """

    name = "esd"
    labels: ClassVar = EMOTIONS
    size: ClassVar = 35_000
    expected: ClassVar = dict.fromkeys(EMOTIONS, 7000)
    homepage: ClassVar = "https://github.com/HLTSingapore/Emotional-Speech-Data"
    license: ClassVar = "research only, on request"

    def __init__(
        self,
        fold: int = 1,
        splits: Literal["speakers", "official"] = "speakers",
        language: Literal["en", "zh"] | None = None,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.splits = check_choice(self, "splits", splits, ("speakers", "official"))
        self.language = check_choice(self, "language", language, (None, "en", "zh"))
        fits = [k for k, tested in enumerate(FOLDS, 1) if _spoken(tested, language)]
        where = f"`language: {language}`" if language else ""
        self.fold = check_choice(self, "fold", fold, fits, where) if splits == "speakers" else fold

    @property
    def emobox_fold(self) -> int | None:
        """The fold, where all its speakers are served."""
        return self.fold if self.splits == "speakers" and self.language is None else None

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by speaker and name."""
        named = [(path, NAME.fullmatch(path.stem)) for path in below(folder, "*_*.*")]
        found = [(path, name) for path, name in named if name and path.suffix.lower() in AUDIO]
        if not found:
            raise CorpusError(
                f"No clip of ESD in {folder}: looked for 0001/Angry/0001_000351.wav and its like, "
                f"or .flac, at any depth. Set `root` to the folder above, or get it from "
                f"{self.homepage}."
            )
        texts = transcripts(folder)
        clips = [self._clip(path, name, folder, texts) for path, name in found]
        silent = sum(clip.transcript is None for clip in clips)
        if silent:
            rank_zero_info(f"esd: {silent} of {len(clips)} clips have no transcript in {folder}")
        yield from clips

    def _clip(self, path: Path, name: re.Match[str], folder: Path, texts: dict[str, str]) -> Clip:
        parts = path.relative_to(folder).parts[:-1]
        stated = parts[-1] if parts and parts[-1] in PARTS else None
        kind = parts[-2:-1] if stated else parts[-1:]
        block, sentence = divmod(int(name[2]) - 1, BLOCK)
        fits = name[1] in SPEAKERS and block < len(EMOTIONS)
        if not fits or [part.lower() for part in kind] != [EMOTIONS[block]]:
            raise CorpusError(
                f"{path} is no clip of ESD: speakers are 0001 to 0020 and each has blocks of "
                f"{BLOCK} numbers in the folders {', '.join(map(str.title, EMOTIONS))}. Move the "
                "file back or get the release again."
            )
        if stated and PARTS[stated] != official_split(sentence):
            raise CorpusError(
                f"{path} stands in {stated!r}; by its number it belongs to the "
                f"{official_split(sentence)} part. Move the file back or get the release again."
            )
        return Clip(
            id=path.stem,
            corpus=self.name,
            path=path.relative_to(folder).as_posix(),
            label=EMOTIONS[block],
            speaker=name[1],
            transcript=texts.get(path.stem),
        )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with their split; those of the other language have none."""
        return [replace(clip, split=self._split(clip)) for clip in clips]

    def _split(self, clip: Clip) -> Split | None:
        if not _spoken([clip.speaker], self.language):
            return None
        if self.splits == "official":
            return official_split((int(clip.id[-6:]) - 1) % BLOCK)
        if clip.speaker in FOLDS[self.fold - 1]:
            return "test"
        return "val" if clip.speaker in validation_speakers(self.fold) else "train"


def _spoken(speakers: Sequence[str | None], language: str | None) -> bool:
    """Tell whether one of the speakers speaks the language; 0011 to 0020 speak English."""
    return language is None or any((str(who) > "0010") == (language == "en") for who in speakers)


def official_split(sentence: int) -> Split:
    """Return the release's own part of a sentence, numbered from 0 on.

    Example:
        >>> [official_split(sentence) for sentence in (0, 19, 20, 49, 50)]
        ['val', 'val', 'test', 'test', 'train']
    """
    return "val" if sentence < 20 else "test" if sentence < 50 else "train"


def validation_speakers(fold: int) -> tuple[str, ...]:
    """Return a man and a woman of each language outside the test part of a fold.

    Example:
        >>> validation_speakers(1)
        ('0001', '0004', '0012', '0015')
    """
    start = 2 * (fold - 1)
    groups = [
        [who for who in half if (who in WOMEN) == women]
        for half in (SPEAKERS[:10], SPEAKERS[10:])
        for women in (True, False)
    ]
    turned = [group[start % len(group) :] + group[: start % len(group)] for group in groups]
    held = [next(who for who in group if who not in FOLDS[fold - 1]) for group in turned]
    return tuple(sorted(held))


def transcripts(folder: Path) -> dict[str, str]:
    """Return what is said in each clip, out of the text file of each speaker."""
    found, odd = {}, 0
    for file in below(folder, "[0-9][0-9][0-9][0-9].txt"):
        otherwise = "cp1252" if _spoken([file.stem], "en") else "gb18030"
        for line in lines_of(text_of(file, partial(guess_encoding, otherwise=otherwise))):
            fields = [field.strip() for field in line.split("\t")]
            if len(fields) == 3 and NAME.fullmatch(fields[0]):
                found[fields[0]] = fields[1]
            else:
                odd += bool(line.strip())
    if odd:
        rank_zero_info(f"esd: {odd} lines of the texts in {folder} are not id, text and emotion")
    return found

"""Synthetic: speech-like audio made by code, so that everything runs without a download.

Four emotions acted by imagined speakers (``emolit.corpora.synthesis.acting``: cues and their
literature) with voices out of pulses, formants and noise (``emolit.corpora.synthesis.voice``). It
says no words: there is no transcript. Each clip has a caption of what is heard of its cues. What
holds, and is tested: no single measured cue separates the classes (a linear probe stays below 0.5
UA, chance is 0.25), all cues together do (above 0.8); the same arguments give the same samples on
every machine.

Layout: ``{train,val,test}/studio-test03-05-happy.wav``: place, split and number of the speaker,
number of the clip, emotion. It is written once, into a folder that is named after what it is made
from, so that other arguments never read stale files.

License: made by emolit; Apache-2.0 like it.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import soundfile
from lightning.pytorch.utilities import rank_zero_info
from numpy.typing import NDArray

from emolit.corpora.base import ROOT, Corpus
from emolit.corpora.synthesis.acting import (
    CUES,
    EMOTIONS,
    STUDIO,
    Setting,
    Speaker,
    deliver,
    describe,
    make_speaker,
    record,
)
from emolit.corpora.synthesis.signal import RATE, quantize
from emolit.data.dataset import LoaderSettings
from emolit.errors import ConfigError, CorpusError
from emolit.prompts import Prompt
from emolit.types import Clip, Split

VERSION = 1
"""Raise it when the same arguments give other samples; older folders are then left alone."""
SPLITS: tuple[Split, ...] = ("train", "val", "test")
NAME = re.compile(r"(([a-z]+)-(train|val|test)(\d+))-(\d+)-(angry|happy|neutral|sad)")


class Synthetic(Corpus):
    """Speech-like audio of 48 training, 8 validation and 14 test speakers, 28 clips each.

    Args:
        train_speakers: Number of speakers; None takes the corpus's own, here 48.
        val_speakers: Number of speakers; None takes the corpus's own, here 8.
        test_speakers: Number of speakers; None takes the corpus's own, here 14.
        clips_per_speaker: A multiple of four: the emotions in turn.
        corpus_seed: Another number gives other speakers and other clips.
        root: Parent folder of all corpora; the corpus is made below it when it is missing.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes angry, happy, neutral, sad.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, and what happens to bad or long audio.
        speaker_independent: Without effect here: no speaker stands in two splits.
    """

    name = "synthetic"
    labels: ClassVar = EMOTIONS
    license: ClassVar = "Apache-2.0"
    setting: ClassVar[Setting] = STUDIO
    speakers: ClassVar[tuple[int, int, int]] = (48, 8, 14)
    """Number of speakers in training, validation and test."""

    def __init__(
        self,
        train_speakers: int | None = None,
        val_speakers: int | None = None,
        test_speakers: int | None = None,
        clips_per_speaker: int = 28,
        corpus_seed: int = 0,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        given = (train_speakers, val_speakers, test_speakers)
        counts = [own if n is None else n for n, own in zip(given, self.speakers, strict=True)]
        self.cast_size: dict[Split, int] = dict(zip(SPLITS, counts, strict=True))
        self.clips_per_speaker = clips_per_speaker
        self.corpus_seed = corpus_seed
        self._check()
        self.folder = f"{self.name}-{self.digest}"

    def _check(self) -> None:
        negative = [split for split, size in self.cast_size.items() if size < 0]
        if negative or not sum(self.cast_size.values()):
            raise ConfigError(
                f"The numbers of speakers of {self.name!r} are {self.cast_size}; "
                "none may be negative, and one must be above 0."
            )
        if self.clips_per_speaker <= 0 or self.clips_per_speaker % len(EMOTIONS):
            raise ConfigError(
                f"`clips_per_speaker` of {self.name!r} is {self.clips_per_speaker}; choose a "
                f"multiple of {len(EMOTIONS)}, so that every emotion is as frequent."
            )
        if not 0 <= self.corpus_seed < 2**32:
            raise ConfigError(
                f"`corpus_seed` of {self.name!r} is {self.corpus_seed}; choose 0 to 2**32 - 1."
            )

    @property
    def digest(self) -> str:
        """What the samples follow from, as ten hexadecimal digits."""
        made_from = (
            VERSION,
            self.setting,
            sorted(CUES.items()),
            sorted(self.cast_size.items()),
            self.clips_per_speaker,
            self.corpus_seed,
        )
        return hashlib.sha256(repr(made_from).encode()).hexdigest()[:10]

    def ensure_release(self) -> None:
        """Make the corpus unless its folder stands; written beside, then renamed.

        Should two processes make it at once, the first to finish wins.
        """
        if self.location.is_dir():
            return
        self.location.parent.mkdir(parents=True, exist_ok=True)
        total = sum(self.cast_size.values()) * self.clips_per_speaker
        rank_zero_info(f"{self.name}: making {total} clips in {self.location}")
        with tempfile.TemporaryDirectory(
            dir=self.location.parent, prefix=f".{self.folder}."
        ) as draft:
            made = Path(draft) / "corpus"
            self._write(made)
            try:
                made.rename(self.location)
            except OSError:
                if not self.location.is_dir():
                    raise

    def _write(self, folder: Path) -> None:
        for split, size in self.cast_size.items():
            (folder / split).mkdir(parents=True)
            for number in range(size):
                speaker = self.speaker(split, number)
                for take in range(self.clips_per_speaker):
                    emotion = EMOTIONS[take % len(EMOTIONS)]
                    stem = f"{self.setting.name}-{split}{number:02d}-{take:02d}-{emotion}"
                    samples = self.samples(speaker, split, number, take)
                    soundfile.write(folder / split / f"{stem}.wav", samples, RATE, "PCM_16")

    def speaker(self, split: Split, number: int) -> Speaker:
        """Return a speaker, whatever the number of others."""
        return make_speaker(self.setting, number, self._chance(split, number))

    def samples(self, speaker: Speaker, split: Split, number: int, take: int) -> NDArray[np.int16]:
        """Return the samples of a clip, whatever the number of others. ``[samples]``."""
        rng = self._chance(split, number, take)
        emotion = EMOTIONS[take % len(EMOTIONS)]
        return quantize(record(speaker, emotion, self.setting.wet, rng))

    def caption(self, split: Split, number: int, take: int) -> str:
        """Return what is heard of the cues of a clip, whatever the number of others."""
        speaker, emotion = self.speaker(split, number), EMOTIONS[take % len(EMOTIONS)]
        return describe(
            deliver(speaker, emotion, self._chance(split, number, take)), speaker, emotion
        )

    def _chance(self, split: Split, *numbers: int) -> np.random.RandomState:
        key = (self.corpus_seed, self.setting.stream, SPLITS.index(split), *numbers)
        return np.random.RandomState(key)

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, by split and name.

        Raises:
            CorpusError: Files are missing or do not belong there.
        """
        paths = sorted(path for split in SPLITS for path in folder.glob(f"{split}/*.wav"))
        total = sum(self.cast_size.values()) * self.clips_per_speaker
        if len(paths) != total:
            raise CorpusError(
                f"{folder} has {len(paths)} of the {total} clips of {self.name!r}; "
                "delete the folder, it is then made again."
            )
        for path in paths:
            yield self._clip(path, path.relative_to(folder).as_posix())

    def _clip(self, path: Path, relative: str) -> Clip:
        found = NAME.fullmatch(path.stem)
        if found is None or found[2] != self.setting.name or found[3] != path.parent.name:
            raise CorpusError(
                f"{path} is no clip of {self.name!r}: expected a name like "
                f"{self.setting.name}-{path.parent.name}03-05-happy.wav. Remove the file."
            )
        split = next(split for split in SPLITS if split == found[3])
        return Clip(
            id=path.stem,
            corpus=self.name,
            path=relative,
            label=found[6],
            speaker=found[1],
            split=split,
            captions=(self.caption(split, int(found[4]), int(found[5])),),
        )

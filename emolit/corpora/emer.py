"""EMER: why people in 332 Chinese clips feel what they feel, in sentences, and the words for it.

Layout, in the corpus folder, at any depth: ``final-EMER-reason.csv`` (``name,chinese,english``:
the reasons), ``check-openset.csv`` (``name,openset``: the words, as MER2024 publishes them) and,
where known, MER2023's ``transcription-engchi-polish.csv``; the recordings in ``recordings``, which
are of MER2023's training part. `EmerV1` is the first version: 100 clips, one emotion each.

The reasons speak of faces, gestures and voices: who only hears cannot know all that they say. With
``source: reasons`` the clips are text alone: the reason stands where the transcript does, a prompt
that quotes transcripts shows it, and words are asked for.

Splits: the release has none. Ours are five folds of clips (`emolit.data.folds`). Nobody says who
speaks, so that the same person may stand on both sides: it needs ``speaker_independent: false``.

License: Apache-2.0 with the remark "non-commercial"; the clips are MER2023's. Lian et al. 2023,
https://arxiv.org/abs/2306.15401.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from emolit.affect.word_lists import words_of
from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.data.folds import FOLDS, in_folds
from emolit.errors import CorpusError
from emolit.files.disk import below
from emolit.files.media import Media
from emolit.files.table import Row, by_name
from emolit.prompts import Prompt
from emolit.types import Clip

REASONS = "final-EMER-reason.csv"
WORDS = "check-openset.csv"
TRANSCRIPTS = "transcription-engchi-polish.csv"


class Emer(Corpus):
    """EMER: 332 clips of film and television with reasons and emotion words.

    Args:
        source: ``clips`` serves recordings; ``reasons`` serves the reasons as text alone, without
            audio, for the policy `TextOnly`.
        subtitles: Language of reasons and transcripts; what is said is Chinese.
        fold: Which fifth of the clips is tested, 1 to 5.
        recordings: Folder of the recordings, relative to ``root``.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: Without effect on clips: they have words and no label.
        label_map: Without effect, likewise.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows the folds: nobody says who speaks.
    """

    name = "emer"
    size: ClassVar = 332
    homepage: ClassVar = "https://github.com/zeroQiaoba/AffectGPT"
    license: ClassVar = "Apache-2.0, non-commercial"

    def __init__(
        self,
        source: Literal["clips", "reasons"] = "clips",
        subtitles: Literal["english", "chinese"] = "english",
        fold: Literal[1, 2, 3, 4, 5] = 1,
        recordings: str = "mer2023/train",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.source = check_choice(self, "source", source, ("clips", "reasons"))
        self.subtitles = check_choice(self, "subtitles", subtitles, ("english", "chinese"))
        self.fold = check_choice(self, "fold", fold, range(1, FOLDS + 1))
        self.recordings = recordings

    @property
    def place(self) -> Path:
        """The recordings, relative to the corpus folder."""
        return Path(os.path.relpath(Path(self.root) / self.recordings, self.location))

    @property
    def homes(self) -> tuple[Path, ...]:
        """Also the folder of the recordings."""
        return (*super().homes, Path(self.root) / self.recordings)

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips in the order of the reasons."""
        words = by_name(self._find(folder, WORDS), ("openset",))
        known = bool(below(folder, TRANSCRIPTS))
        texts = by_name(self._find(folder, TRANSCRIPTS), (self.subtitles,)) if known else {}
        media = Media(folder / self.place, (".",))
        for name, row in by_name(self._find(folder, REASONS), (self.subtitles,)).items():
            if name not in words:
                raise row.error(f"{name!r} has no words in {WORDS}", "Get both tables again.")
            said = texts[name].text(self.subtitles) if name in texts else None
            clip = self._clip(row, words[name].required("openset"), said)
            yield clip if self.source == "reasons" else self._with_recording(clip, media)

    def _with_recording(self, clip: Clip, media: Media) -> Clip:
        """Return a clip with its recording."""
        path, video = media.find(clip.id)
        seen = None if video is None else (self.place / video).as_posix()
        return replace(clip, path=(self.place / path).as_posix(), video=seen)

    def _clip(self, row: Row, openset: str, said: str | None) -> Clip:
        """Return a clip without recording."""
        reason = row.required(self.subtitles)
        return Clip(
            id=row.required("name"),
            corpus=self.name,
            path="",
            transcript=said if self.source == "clips" else reason,
            words=words_of(openset),
            reason=reason,
        )

    def _find(self, folder: Path, name: str) -> Path:
        """Return the least nested table of this name.

        Raises:
            CorpusError: There is none.
        """
        found = sorted(below(folder, name), key=lambda path: (len(path.parts), path))
        if not found:
            raise CorpusError(
                f"EMER in {folder} is not complete: looked for {name} at any depth. Get it from "
                f"{self.homepage}, the words also from MER2024."
            )
        return found[0]

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the split of this fold."""
        parts = in_folds((clip.id for clip in clips), self.fold)
        return [replace(clip, split=parts[clip.id]) for clip in clips]

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say what is served."""
        return ("reasons as text alone",) if self.source == "reasons" else ()

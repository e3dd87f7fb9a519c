"""CH-SIMS: Chinese film, television and shows; sentiment from -1 to 1, by sense and together.

Layout: ``Raw/video_0001/0001.mp4`` (or audio under the same names), and one of three kinds of
labels: the release's ``metadata/sentiment/label_M.csv`` (``video_id,clip_id,label``; beside it
``label_T``, ``label_A``, ``label_V``) with ``metadata/{train,val,test}_index.csv``, whose ``index``
is the row of the label file from 0, and ``metadata/Translation.csv``
(``video_id,clip_id,Chinese,English``); or the two kinds of `emolit.corpora.polarity`. Numbers of
cuts have four digits; csv programs turn ``0001`` into 1, which is understood.

Raters judged the whole (M), sound (A), text (T) and picture (V) apart. M is what is usually
reported; A is the label for a model that only hears. MERBench's archive has M only.

Splits: the official parts share videos, hence speakers: all 59 test videos also train. They are
served when `splits` says ``official`` and `speaker_independent` false. The default is ours: five
folds of whole videos (`emolit.data.folds`).

License: research, THUIAR. Yu et al. 2020, https://aclanthology.org/2020.acl-main.343.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from emolit.corpora.base import ROOT
from emolit.corpora.polarity import MODES, Language, Polarity, Rated, numeric
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.data.folds import FOLDS, in_folds
from emolit.errors import CorpusError
from emolit.files.table import Row, read_table
from emolit.prompts import Prompt
from emolit.types import Clip, Split

LETTERS = {"multimodal": "M", "audio": "A", "text": "T", "video": "V"}
INDEXES = ("train", "val", "test")


class ChSims(Polarity):
    """CH-SIMS: 2,281 cuts of 60 Chinese videos, sentiment from -1 to 1.

    Args:
        modality: What raters judged: ``audio``, ``text`` and ``video`` are one sense alone,
            ``multimodal`` is the whole and what is usually reported.
        splits: ``speakers`` tests videos of which nothing was heard in training; ``official``
            serves the release's own splits, which share videos: it needs
            ``speaker_independent: false``.
        fold: Which fifth of the videos is tested, 1 to 5. There is one official fold.
        subtitles: Language of the transcripts; what is said is Chinese.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: Without effect on clips: they have a sentiment and no label.
        label_map: Without effect, likewise.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows videos that stand in several splits.
    """

    name = "ch_sims"
    size: ClassVar = 2281
    spoken: ClassVar = "chinese"
    digits: ClassVar = 4
    places: ClassVar = ("Raw/*",)
    homepage: ClassVar = "https://thuiar.github.io/sims.github.io/chsims"
    license: ClassVar = "research"

    def __init__(
        self,
        modality: Literal["audio", "multimodal", "text", "video"] = "audio",
        splits: Literal["speakers", "official"] = "speakers",
        fold: Literal[1, 2, 3, 4, 5] = 1,
        subtitles: Language = "english",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(subtitles, root, prompt, labels, label_map, loading, speaker_independent)
        folds = {"speakers": FOLDS, "official": 1}
        self.modality = check_choice(self, "modality", modality, LETTERS)
        self.splits = check_choice(self, "splits", splits, folds)
        self.fold = check_choice(
            self, "fold", fold, range(1, folds[splits] + 1), f"`splits: {splits}`"
        )

    @property
    def column(self) -> str:
        """The column of the table that holds the sentiment."""
        letter = LETTERS[self.modality]
        return "label" if letter == "M" else f"label_{letter}"

    def stems(self, rated: Rated) -> tuple[str, ...]:
        """Return the path without extension of a cut."""
        return (f"Raw/{rated.video}/{rated.number}",)

    def texts(self, folder: Path) -> Mapping[str, str | None]:
        """Return what is said, also out of the release's own translation."""
        table = folder / "metadata" / "Translation.csv"
        if not table.is_file():
            return super().texts(folder)
        column = self.subtitles.capitalize()
        rows = read_table(table, ("video_id", "clip_id", column))
        return {f"{video}_{cut}": row.text(column) for row in rows for video, cut in [cut_of(row)]}

    def read_labels(self, folder: Path) -> Iterator[Rated]:
        """Yield the labels out of the release's own tables, or as the family has them."""
        table = folder / "metadata" / "sentiment" / f"label_{LETTERS[self.modality]}.csv"
        return read_index_files(table) if table.is_file() else super().read_labels(folder)

    def check_archive(self, archive: Path) -> None:
        """Refuse an archive for labels of one sense."""
        if self.modality != "multimodal":
            raise CorpusError(
                f"{archive} holds multimodal labels only; set `modality: multimodal`, or get "
                f"the tables of the release from {self.homepage}."
            )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with the official split, or with that of their video."""
        if self.splits == "official":
            return list(clips)
        parts = in_folds((clip.speaker or "" for clip in clips), self.fold)
        return [replace(clip, split=parts[clip.speaker or ""]) for clip in clips]

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say which labels these are, and what stands for a speaker."""
        return (f"{self.modality} labels", *super().notes(clips))


def cut_of(row: Row) -> tuple[str, str]:
    """Return video and number of a row's cut."""
    return row.required("video_id"), row.required("clip_id").zfill(ChSims.digits)


def read_index_files(table: Path) -> Iterator[Rated]:
    """Yield the labels of a table whose parts stand in index files beside its folder.

    Raises:
        CorpusError: An index is missing, or a row is in no part or in several.
    """
    rows = read_table(table, ("video_id", "clip_id", "label"))
    parts: dict[int, Split] = {}
    for part in INDEXES:
        file = table.parents[1] / f"{part}_index.csv"
        if not file.is_file():
            raise CorpusError(
                f"The parts of CH-SIMS are missing: looked for {file}. Get the release again."
            )
        for row in read_table(file, ("index",)):
            place = int(numeric(row, "index"))
            if place in parts or place not in range(len(rows)):
                raise row.error(
                    f"the index {place} is in another part too, or beyond the {len(rows)} rows of "
                    f"{table}",
                    "Get the tables again.",
                )
            parts[place] = MODES[part]
    for place, row in enumerate(rows):
        if place not in parts:
            raise row.error("no index file names this row", "Get the tables again.")
        yield Rated(*cut_of(row), parts[place], numeric(row, "label"))

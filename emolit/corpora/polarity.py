"""What corpora of sentiment share: the family of CmuMosi, CmuMosei, ChSims and ChSimsV2.

A clip is the n-th cut of a video, with a polarity that raters gave and no emotion. Two kinds of
labels are understood besides those of the releases: a ``label.csv`` with
``video_id,clip_id,text,label,…,mode`` (mode train, valid or test) and MERBench's ``label.npz`` with
``transcription-engchi-polish.csv`` (``name,chinese,english``) beside it.

Ids are text: some begin with ``-`` or ``_``, some look like numbers. The number of the cut stands
behind the last ``_``. Nobody says who speaks; a video stands for its speaker, so the same person in
two videos is not noticed.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.dataset import LoaderSettings
from emolit.errors import CorpusError
from emolit.files.media import Media
from emolit.files.npz import read_labels
from emolit.files.table import Row, by_name, read_table
from emolit.prompts import Prompt
from emolit.types import Clip, Split

Language = Literal["english", "chinese"]
MODES: dict[str, Split] = {"train": "train", "valid": "val", "val": "val", "test": "test"}
"""What tables and archives call the parts."""
ARCHIVE = "label.npz"
TRANSCRIPTS = "transcription-engchi-polish.csv"


@dataclass(frozen=True)
class Rated:
    """A cut and what raters say.

    Attributes:
        video: Name of the video.
        number: Of the cut, as text.
        split: Official part.
        sentiment: Polarity; None where nobody gave one.
        text: What is said, in the language spoken; None where the table has none.
    """

    video: str
    number: str
    split: Split
    sentiment: float | None
    text: str | None = None

    @property
    def id(self) -> str:
        """Video and number."""
        return f"{self.video}_{self.number}"


class Polarity(Corpus, ABC):
    """Cuts of videos with a sentiment; kinds of it say which.

    The class attributes below are what a kind is.
    """

    spoken: ClassVar[Language]
    """Language of the videos."""
    digits: ClassVar[int] = 0
    """Number of digits that a number is padded to."""
    table: ClassVar[str] = "label.csv"
    """Table of labels."""
    places: ClassVar[tuple[str, ...]]
    """Folders of recordings."""

    def __init__(
        self,
        subtitles: Language = "english",
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.subtitles = check_choice(self, "subtitles", subtitles, ("english", "chinese"))

    @abstractmethod
    def stems(self, rated: Rated) -> tuple[str, ...]:
        """Return the paths without extension under which a cut may stand."""

    @property
    def column(self) -> str:
        """The column of the table that holds the sentiment."""
        return "label"

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the cuts that have labels, in the order of the labels."""
        media = Media(folder, self.places)
        texts = self.texts(folder)
        for rated in self.read_labels(folder):
            path, video = media.find(*self.stems(rated))
            own = rated.text if self.subtitles == self.spoken else None
            yield Clip(
                id=rated.id,
                corpus=self.name,
                path=path,
                speaker=rated.video,
                split=rated.split,
                transcript=texts.get(rated.id) or own,
                sentiment=rated.sentiment,
                video=video,
            )

    def texts(self, folder: Path) -> Mapping[str, str | None]:
        """Return what is said, in the language wanted, by id; nothing without such a table."""
        table = folder / TRANSCRIPTS
        rows = by_name(table, (self.subtitles,)) if table.is_file() else {}
        return {name: row.text(self.subtitles) for name, row in rows.items()}

    def read_labels(self, folder: Path) -> Iterator[Rated]:
        """Yield the labels out of the table, or out of MERBench's archive.

        Raises:
            CorpusError: There is neither; or one of them is not what it should be.
        """
        table, archive = folder / self.table, folder / ARCHIVE
        if table.is_file():
            yield from self._read_table(table)
        elif archive.is_file():
            self.check_archive(archive)
            yield from self._read_archive(archive)
        else:
            raise CorpusError(
                f"The labels of {self.name!r} are missing: looked for {table} and {archive}. Set "
                f"`root` to the folder above, or get the release from {self.homepage}."
            )

    def check_archive(self, archive: Path) -> None:
        """Refuse an archive that does not hold the labels wanted."""

    def _read_table(self, table: Path) -> Iterator[Rated]:
        for row in read_table(table, ("video_id", "clip_id", self.column, "mode")):
            mode = row.required("mode")
            if mode not in MODES:
                raise row.error(f"the mode {mode!r} is unknown", f"It is one of {[*MODES]}.")
            yield Rated(
                video=row.required("video_id"),
                number=row.required("clip_id").zfill(self.digits),
                split=MODES[mode],
                sentiment=numeric(row, self.column),
                text=row.text("text"),
            )

    def _read_archive(self, archive: Path) -> Iterator[Rated]:
        for part, clips in read_labels(archive).items():
            if part not in MODES:
                raise CorpusError(
                    f"{archive} has a part {part!r}, expected train, val and test. Get the file "
                    "again."
                )
            for name, (_, value) in clips.items():
                video, _, cut = name.rpartition("_")
                yield Rated(video, cut, MODES[part], value)

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say what stands for a speaker."""
        return ("a video stands for its speaker",)


def numeric(row: Row, column: str) -> float:
    """Return a number out of a row.

    Raises:
        CorpusError: There is none.
    """
    value = row.decimal(column)
    if value is None:
        raise row.error(f"{column!r} is empty", "Get the table again.")
    return value

"""What tables of the MER challenges share: the family of Mer2024 to 2026, OvMerd, MerCaption.

Layout, in the corpus folder: a table that lists the clips, with ``name`` and what is known about
them, in ``discrete`` (one of six emotions), ``valence`` (-10 where there is none) or ``openset``
(``"['happy', 'excited']"``, a Python list; an empty one means neutral); tables beside it that say
more about the same names (``openset``, ``reason``); ``subtitle_chieng.csv`` with
``name,chinese,english``; and ``audio/<name>.wav``, ``video/<name>.mp4``. Where a clip has no audio
file the track of its video is heard.

Splits: every listed clip is of one part. Of training clips a tenth is held out for validation.
Nobody says who speaks, so it is drawn clip by clip: that needs ``speaker_independent: false``.
Clips that others test on are left out by name (``leave_out``) and counted: the releases overlap.

License: academic use, signed on the hub; nothing may be passed on. Lian et al. 2023-2026,
https://arxiv.org/abs/2304.08981, https://arxiv.org/abs/2404.17113, https://arxiv.org/abs/2504.19423.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from emolit.affect.word_lists import words_of
from emolit.corpora.base import ROOT, Corpus
from emolit.data.arguments import check_choice
from emolit.data.clip_filter import drop
from emolit.data.dataset import LoaderSettings
from emolit.data.emobox_folds import with_validation
from emolit.errors import CorpusError
from emolit.files.media import Media
from emolit.files.npz import NO_VALUE
from emolit.files.table import Row, by_name
from emolit.prompts import Prompt
from emolit.types import Clip

EMOTIONS = ("angry", "happy", "neutral", "sad", "surprise", "worried")
"""The closed set of all MER challenges, already canonical."""


class Mer(Corpus, ABC):
    """Clips that a table of a MER challenge lists; kinds of it say which.

    The class attributes below are what a kind is.
    """

    column: ClassVar[Literal["discrete", "openset"]]
    """The column it must have."""
    beside: ClassVar[tuple[str, ...]] = ("subtitle_chieng.csv",)
    """Tables that say more about some clips; those that are missing are done without."""
    places: ClassVar[tuple[str, ...]] = ("audio", "video")
    """Folders of recordings."""
    license: ClassVar[str] = "academic use, signed on the hub"

    def __init__(
        self,
        table: str | None = None,
        use: Literal["train", "test"] = "train",
        subtitles: Literal["english", "chinese"] = "english",
        leave_out: str | None = None,
        release: str | None = None,
        name: str | None = None,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.table = table or self.listing
        self.use = check_choice(self, "use", use, ("train", "test"))
        self.subtitles = check_choice(self, "subtitles", subtitles, ("english", "chinese"))
        self.leave_out = leave_out
        self.folder = release or self.folder
        self.name = name or self.name

    @property
    @abstractmethod
    def listing(self) -> str:
        """The table that lists the clips, unless another one is given."""

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Names that are not served."""
        return names_in(None if self.leave_out is None else Path(self.root) / self.leave_out)

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips in the order of the table."""
        table = folder / self.table
        if not table.is_file():
            raise CorpusError(
                f"The table of {self.name!r} is missing: looked for {table}. Set `table`, or get "
                f"the release from {self.homepage}."
            )
        media = Media(folder, self.places)
        more = [by_name(folder / name, ()) for name in self.beside if (folder / name).is_file()]
        for name, row in by_name(table, (self.column,)).items():
            fields = {key: value for rows in more if name in rows
                      for key, value in rows[name].fields.items()}  # fmt: skip
            path, video = media.find(*(f"{place}/{name}" for place in self.places))
            found = parse_row(replace(row, fields={**fields, **row.fields}), self.subtitles)
            yield replace(found, corpus=self.name, path=path, video=video)

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips for testing, or for training with a tenth of them for validation."""
        used: list[Clip] = [replace(clip, split=self.use) for clip in clips]
        served = drop(used, self.left_out)
        return with_validation(served) if self.use == "train" else served

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say which table was read and how many clips were left out by name."""
        return (f"clips of {self.table}", *overlap(clips, self.left_out, self.leave_out))


def parse_row(row: Row, subtitles: str) -> Clip:
    """Return what a row says about a clip, without corpus and recording.

    Args:
        row: With ``name``; ``discrete``, ``valence``, ``openset``, ``reason`` and the language of
            the subtitles where known.
        subtitles: That language.

    Raises:
        CorpusError: An emotion is unknown, a valence is no number, or an ``openset`` is empty: what
            is neutral has an empty list.
    """
    label = row.text("discrete")
    if "discrete" in row.fields and label not in EMOTIONS:
        raise row.error(
            f"the emotion {label!r} is none of {', '.join(EMOTIONS)}", "Get the table again."
        )
    return Clip(
        id=row.required("name"),
        corpus="",
        path="",
        label=label,
        transcript=row.text(subtitles),
        words=words_of(row.required("openset")) if "openset" in row.fields else (),
        sentiment=valence(row),
        reason=row.text("reason"),
    )


def valence(row: Row) -> float | None:
    """Return the valence of a row; None where there is none, also written as -10."""
    value = row.decimal("valence")
    return None if value == NO_VALUE else value


def names_in(file: Path | None) -> frozenset[str]:
    """Return the names that a table lists; none without a table.

    Raises:
        CorpusError: The table is missing, or has no column ``name``.
    """
    if file is None:
        return frozenset()
    if not file.is_file():
        raise CorpusError(
            f"The names to leave out are missing: looked for {file}. Set `leave_out`, relative to "
            "`root`, to a csv with a column `name`, or to null."
        )
    return frozenset(by_name(file, ()))


def overlap(clips: Iterable[Clip], names: frozenset[str], table: str | None) -> tuple[str, ...]:
    """Say how many clips were left out because a table names them; nothing without a table."""
    if table is None:
        return ()
    count = sum(clip.id in names for clip in clips)
    return (f"{count} clips left out, as {table} names them",)

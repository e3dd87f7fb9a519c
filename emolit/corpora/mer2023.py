"""MER2023: Chinese film and television, six emotions and valence, three test parts.

Layout, in the corpus folder: ``train/``, ``test1/``, ``test2/``, ``test3/`` with ``<name>.avi`` or
``<name>.mp4`` (audio taken out of them may stand there too and is preferred); for each part
``train-label.csv`` and so on, ``name,discrete,valence``, test 3 without valence. In place of those
tables MERBench's ``label-6way.npz`` is read (`emolit.files.npz`). Transcripts, where known, come
out of ``transcription-engchi-polish.csv``, ``name,chinese,english``.

Splits: official; the tests are MER-MULTI (1), MER-NOISE (2, noise added) and MER-SEMI (3), one of
them is served. EmoBox lists the same clips. A tenth of the training part is held out for
validation, clip by clip, as nobody says who speaks: that needs ``speaker_independent: false``.

332 training clips are those of OV-MERD, EMER and MER2024's open words: before testing there, leave
them out here (``leave_out``).

License: academic use, signed. Lian et al. 2023, https://arxiv.org/abs/2304.08981.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from emolit.corpora.base import ROOT, Corpus
from emolit.corpora.mer import EMOTIONS, names_in, overlap, parse_row
from emolit.data.arguments import check_choice
from emolit.data.clip_filter import drop
from emolit.data.dataset import LoaderSettings
from emolit.data.emobox_folds import with_validation
from emolit.errors import ConfigError, CorpusError
from emolit.files.media import Media
from emolit.files.npz import read_labels
from emolit.files.table import Row, by_name
from emolit.prompts import Prompt
from emolit.types import Clip, Rating, Split

PARTS = ("train", "test1", "test2", "test3")
TESTS = {"test": "test1", "test1": "test1", "test2": "test2", "test3": "test3"}
"""EmoBox's names of the test parts."""
ARCHIVE = "label-6way.npz"
TRANSCRIPTS = "transcription-engchi-polish.csv"


class Mer2023(Corpus):
    """MER2023: 5,030 labeled clips of film and television, 6 emotions and valence.

    Args:
        test_list: Which part is tested, by EmoBox's names: ``test`` and ``test1`` are MER-MULTI,
            ``test2`` is MER-NOISE, ``test3`` is MER-SEMI.
        subtitles: Language of the transcripts; what is said is Chinese.
        leave_out: A csv whose ``name`` column says which clips are not served, relative to
            ``root``: those of the tests to come. None serves all.
        valence_scale: Lower and upper end of the raters' scale, such as ``[-5, 5]``; valence is
            then a rating (`emolit.types.Rating`) as well as a sentiment. None: it is a sentiment
            alone. The tables do not say their scale; values from -5 to 4.25 have been seen.
        root: Parent folder of all corpora.
        prompt: What is asked about a clip.
        labels: The label set, in class order; None takes all six.
        label_map: Renames labels before anything else.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows the splits of the release: nobody says who speaks.

    Raises:
        ConfigError: ``valence_scale`` has no length.
    """

    name = "mer2023"
    labels: ClassVar = EMOTIONS
    size: ClassVar = 5030
    expected: ClassVar = {
        "angry": 1208, "happy": 1038, "neutral": 1248, "sad": 730, "surprise": 190, "worried": 616,
    }  # fmt: skip
    homepage: ClassVar = "https://github.com/zeroQiaoba/MERTools"
    license: ClassVar = "academic use, signed"

    def __init__(
        self,
        test_list: str = "test",
        subtitles: Literal["english", "chinese"] = "english",
        leave_out: str | None = None,
        valence_scale: tuple[float, float] | None = None,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__(root, prompt, labels, label_map, loading, speaker_independent)
        self.tested = TESTS[check_choice(self, "test_list", test_list, TESTS)]
        self.subtitles = check_choice(self, "subtitles", subtitles, ("english", "chinese"))
        self.leave_out = leave_out
        if valence_scale is not None and not valence_scale[0] < valence_scale[1]:
            raise ConfigError(
                f"`valence_scale` of {self.name!r} goes from {valence_scale[0]:g} to "
                f"{valence_scale[1]:g}; give its lower end first."
            )
        self.valence_scale = valence_scale

    @property
    def emobox_fold(self) -> int | None:
        """EmoBox's only fold tests MER-MULTI; left-out clips make it another one."""
        return 1 if self.tested == "test1" and self.leave_out is None else None

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Names that are not served."""
        return names_in(None if self.leave_out is None else Path(self.root) / self.leave_out)

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the clips, part by part."""
        media = Media(folder, PARTS)
        texts = folder / TRANSCRIPTS
        said = by_name(texts, (self.subtitles,)) if texts.is_file() else {}
        for part, row in self._rows(folder):
            name = row.required("name")
            text = said[name].text(self.subtitles) if name in said else None
            path, video = media.find(f"{part}/{name}")
            clip = parse_row(row, self.subtitles)
            yield replace(
                clip, corpus=self.name, path=path, video=video, transcript=text,
                attributes=ratings(row, clip.sentiment, self.valence_scale),
            )  # fmt: skip

    def _rows(self, folder: Path) -> Iterator[tuple[str, Row]]:
        """Yield part and row of every labeled clip, out of the tables or MERBench's archive."""
        archive = folder / ARCHIVE
        tables = {part: folder / f"{part}-label.csv" for part in PARTS}
        missing = [table for table in tables.values() if not table.is_file()]
        if not missing:
            for part, table in tables.items():
                yield from ((part, row) for row in by_name(table, ("discrete",)).values())
        elif archive.is_file():
            yield from parts_of(archive)
        else:
            raise CorpusError(
                f"The labels of MER2023 are missing: looked for {missing[0]} and {archive}. Set "
                f"`root` to the folder above, or get the release; see {self.homepage}."
            )

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips of training and of the test part chosen; the folder says which."""
        splits: dict[str, Split] = {"train": "train", self.tested: "test"}
        placed = [replace(clip, split=splits.get(clip.path.split("/")[0])) for clip in clips]
        return with_validation(drop(placed, self.left_out))

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Say which part is tested and how many clips were left out by name."""
        return (f"tested on {self.tested}", *overlap(clips, self.left_out, self.leave_out))


def ratings(
    row: Row, valence: float | None, scale: tuple[float, float] | None
) -> dict[str, Rating]:
    """Return the rating of a row; none without a valence or a scale.

    Raises:
        CorpusError: The valence lies outside of the scale.
    """
    if valence is None or scale is None:
        return {}
    low, high = scale
    if not low <= valence <= high:
        raise row.error(
            f"the valence is {valence:g}, outside of the scale from {low:g} to {high:g}",
            "Correct `valence_scale`, or the table.",
        )
    return {"valence": Rating(valence, low, high)}


def parts_of(archive: Path) -> Iterator[tuple[str, Row]]:
    """Yield part and row of every clip in MERBench's archive.

    Raises:
        CorpusError: It has other parts.
    """
    labels = read_labels(archive)
    if tuple(labels) != PARTS:
        raise CorpusError(
            f"{archive} has the parts {[*labels]}, expected {list(PARTS)}. Get the file again."
        )
    for part, clips in labels.items():
        for number, (name, (label, value)) in enumerate(clips.items(), start=1):
            yield part, Row(archive, number, {"name": name, "discrete": label, "valence": value})

"""Recordings without labels, to be asked about.

Layout: any. Recordings are named by files, folders, patterns, lists and tables
(`emolit.data.recordings`). What is longer than a window is cut into windows that overlap; each is a
clip of its own. All of them are test clips.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from os.path import commonpath
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_info

from emolit.audio.limits import SHORTEST_WINDOW
from emolit.audio.segments import SegmentReader
from emolit.corpora.base import ROOT, Corpus
from emolit.data.dataset import ClipDataset, Item, LoaderSettings
from emolit.data.recordings import Found, find_recordings
from emolit.data.windows import check_overlap, span_of, windows_of
from emolit.errors import ConfigError
from emolit.prompts import Prompt
from emolit.types import Clip


class WindowDataset(ClipDataset):
    """Windows of recordings, decoded one behind the other (`SegmentReader`)."""

    @cached_property
    def reader(self) -> SegmentReader:
        """This process's own."""
        return SegmentReader(self.sampling_rate)

    def __getitem__(self, index: int) -> Item:
        """Return a window and its waveform ``[samples]``.

        Raises:
            AudioError: The file cannot be decoded any more.
        """
        clip = self.clips[index]
        return clip, self.reader.read(self.folders[clip.corpus] / clip.path, *span_of(clip))


class Recordings(Corpus):
    """Recordings without labels: each window is a test clip.

    Recordings that cannot be used are left out; `problems` says why by id, and `windows` has the
    windows of the others, once `setup` has run. The longest come first, so that a batch holds clips
    of about one length, and a lack of memory shows early.

    Args:
        sources: Files, folders, patterns, lists and tables.
        window: Longest clip in seconds; None asks about each recording as a whole.
        overlap: Share of a window that the next one repeats, from 0 to below 1.
        root: What relative paths are relative to.
        prompt: What is asked about a clip.
        labels: The label set that the question offers, in class order.
        loading: Batch size and workers; audio that cannot be used never stops a run.
    """

    name = "recordings"
    homepage = "the user"
    dataset_class = WindowDataset

    def __init__(
        self,
        sources: list[str],
        window: float | None = 30.0,
        overlap: float = 0.25,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
    ) -> None:
        super().__init__(root, prompt, labels, loading=loading)
        if window is not None and not window >= SHORTEST_WINDOW:
            raise ConfigError(
                f"`window` is {window:g}; it is a number of seconds from {SHORTEST_WINDOW:g}."
            )
        check_overlap(overlap)
        self.sources = list(sources)
        self.window = window
        self.overlap = overlap
        self.problems: dict[str, str] = {}
        self.windows: dict[str, tuple[Clip, ...]] = {}
        self.answered: frozenset[str] = frozenset()

    @cached_property
    def found(self) -> Found:
        """What the words stand for."""
        words = (Path(self.root, Path(word).expanduser()) for word in self.sources)
        return find_recordings([str(word) for word in words], self.name)

    @cached_property
    def location(self) -> Path:
        """The folder that holds all recordings."""
        return Path(commonpath([str(Path(clip.path).parent) for clip in self.found.clips]))

    @property
    def homes(self) -> tuple[Path, ...]:
        """Everywhere: whoever asks has named the recordings."""
        return (Path(self.location.anchor),)

    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield the recordings."""
        for clip in self.found.clips:
            yield replace(clip, path=Path(clip.path).relative_to(folder).as_posix())

    def ensure_release(self) -> None:
        """Do nothing: a file that is missing is told with those that are broken."""

    def prepare_data(self) -> None:
        """Look at the recordings, once."""
        if not self._entries:
            super().prepare_data()

    def setup(self, stage: str | None = None) -> None:
        """Look at the recordings, and cut them into windows. Runs once.

        Windows whose id is in `answered` are left out.
        """
        if self._splits:
            return
        entries = self._share_entries()
        self.problems = {entry.clip.id: entry.problem for entry in entries if entry.problem}
        good = [entry.clip for entry in entries if entry.problem is None]
        self.windows = {
            clip.id: tuple(windows_of(clip, self.window, self.overlap)) for clip in good
        }
        every = [window for each in self.windows.values() for window in each]
        windows = [window for window in every if window.id not in self.answered]
        windows.sort(key=lambda clip: -round(clip.seconds or 0.0, 1))  # stable: in order in a file
        self._splits = {"test": tuple(windows)}
        rank_zero_info(
            f"{len(good)} recordings, {sum(clip.seconds or 0.0 for clip in good) / 60:.1f} "
            f"minutes, {len(windows)} windows to ask about; {len(self.problems)} recordings cannot "
            "be used"
        )

"""What every corpus is: a LightningDataModule that reads its release and serves clips."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, get_args

from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from torch import distributed

from emolit.affect.taxonomy import Taxonomy, check_map, in_order, merge
from emolit.data.audio_check import AudioCheck, AudioRecord
from emolit.data.census import Census, check_ids, check_speakers
from emolit.data.clip_filter import relabel, usable
from emolit.data.conditions import Condition, conditions_of, under_conditions
from emolit.data.dataset import ClipDataset, Collate, LoaderSettings, clip_loader, training_sampler
from emolit.data.dialogs import remember_earlier
from emolit.data.links import check_inside
from emolit.data.sampler import ClipLoader, ClipSampler, placement
from emolit.errors import ConfigError, CorpusError
from emolit.prompts import Prompt
from emolit.types import Clip, Split

ROOT = "data"
"""Where corpora are looked for unless `root` is given."""
WHOLE = ("all clips are test clips: nothing may have trained on this corpus",)


class Corpus(LightningDataModule, ABC):
    """A corpus of emotional speech.

    A subclass sets the class attributes and writes `read`, and `partition` unless the release
    states all splits.

    Args:
        root: Parent folder of all corpora; each corpus knows its own folder below it.
        prompt: What is asked about a clip; the command line links the experiment's prompt here.
        labels: The label set, in class order; None takes the corpus's own, after ``label_map``.
            Clips of other labels are dropped, counted and logged.
        label_map: Renames labels before anything else, for example ``{calm: neutral}``.
        loading: Batch sizes, workers, seed, and what happens to bad or long audio.
        speaker_independent: False allows speakers that stand in several splits.
    """

    name: str
    """Name in log keys, snake_case."""
    folder: str = ""
    """The corpus's own folder below root; empty means its name."""
    labels: ClassVar[tuple[str, ...]] = ()
    """Canonical labels that the release has."""
    size: ClassVar[int] = 0
    """Number of clips of the complete release; 0 where it is not fixed."""
    expected: ClassVar[Mapping[str, int]] = {}
    """Number of clips of the complete release by canonical label; empty where it is not fixed."""
    broken: ClassVar[frozenset[str]] = frozenset()
    """Ids of clips that every copy of the release lacks or spoils: left out and counted, also
    where other bad audio stops the run."""
    homepage: ClassVar[str] = ""
    license: ClassVar[str] = ""
    sampling_rate: ClassVar[int] = 16_000
    dataset_class: ClassVar[type[ClipDataset]] = ClipDataset
    """Decodes clips."""
    repeats: int = 1
    """Steps in a row that get the same training batch; a task that makes several sets it."""
    all_test: bool = False
    """Whether every clip is a test clip; a mixture sets it, for corpora that nothing trains on."""

    def __init__(
        self,
        root: str = ROOT,
        prompt: Prompt | None = None,
        labels: list[str] | None = None,
        label_map: dict[str, str] | None = None,
        loading: LoaderSettings = LoaderSettings(),
        speaker_independent: bool = True,
    ) -> None:
        super().__init__()
        self.root = str(Path(root).expanduser())
        self.prompt = prompt
        self.requested_labels = labels
        self.label_map = dict(label_map or {})
        check_map(self.name, self.labels, self.label_map)
        self.loading = loading
        self.speaker_independent = speaker_independent
        self._entries: tuple[AudioRecord, ...] = ()
        self._splits: dict[Split, tuple[Clip, ...]] = {}
        self._censuses: tuple[Census, ...] = ()

    @abstractmethod
    def read(self, folder: Path) -> Iterator[Clip]:
        """Yield every clip of the release with canonical label and speaker.

        A clip carries a split only where the release itself states one.

        Raises:
            CorpusError: The folder holds no such release; the message names the path looked for.
        """

    def partition(self, clips: Sequence[Clip]) -> list[Clip]:
        """Return the clips with their split; one whose split stays None is not served.

        Unless a subclass says otherwise those are the splits that `read` has found. Validation
        speakers are held out of the training part; the result depends on the clips and the
        arguments alone.
        """
        return list(clips)

    @property
    def emobox_fold(self) -> int | None:
        """The fold of EmoBox whose lists the splits are; None where they are others."""
        return None

    def notes(self, clips: Sequence[Clip]) -> tuple[str, ...]:
        """Return what a reader of scores must know about the splits of these clips."""
        return ()

    @property
    def location(self) -> Path:
        """The corpus's own folder; paths of clips are relative to it."""
        return Path(self.root) / (self.folder or self.name)

    def ensure_release(self) -> None:
        """Make sure that the release stands in its folder; called before every reading.

        Raises:
            CorpusError: It does not.
        """
        if not self.location.is_dir():
            raise CorpusError(
                f"The folder of the corpus {self.name!r} is missing: looked for {self.location}. "
                f"Set `root` to the parent folder of all corpora; get it from {self.homepage}."
            )

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The label set in class order; known before any data is read."""
        own = in_order(merge(label, self.label_map) for label in self.labels)
        return Taxonomy(own if self.requested_labels is None else tuple(self.requested_labels))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the corpora served, as they stand in log keys."""
        return (self.name,)

    @property
    def conditions(self) -> dict[str, Condition]:
        """The conditions of a test, by the names under which corpora are scored then."""
        return conditions_of(self.names, self.loading.conditions)

    @property
    def test_names(self) -> tuple[str, ...]:
        """Names under which a test is scored: the corpora, and each under every condition."""
        return (*self.names, *self.conditions)

    @property
    def training_names(self) -> tuple[str, ...]:
        """Names of the corpora that training draws from; known after `setup`."""
        return (self.name,)

    @property
    def licenses(self) -> dict[str, dict[str, str]]:
        """License and homepage of each corpus served, as its authors state them."""
        return {self.name: {"license": self.license, "homepage": self.homepage}}

    @property
    def folders(self) -> dict[str, Path]:
        """The folder of each corpus served."""
        return {self.name: self.location}

    @property
    def censuses(self) -> tuple[Census, ...]:
        """What each corpus serves and what it left out; known after `setup`."""
        return self._censuses

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """Return the clips of a split; known after `setup`."""
        return self._splits.get(split, ())

    @property
    def homes(self) -> tuple[Path, ...]:
        """Folders below which files of clips may lie, links followed; each may be a link itself."""
        return Path(self.root), self.location

    def read_release(self) -> tuple[Clip, ...]:
        """Return all clips of the release.

        Raises:
            CorpusError: It cannot be read, or a file lies outside and ``outside_links`` is False.
        """
        clips = tuple(self.read(self.location))
        if not self.loading.outside_links:
            check_inside(clips, self.location, self.homes)
        return clips

    def entries(self) -> tuple[AudioRecord, ...]:
        """Return all clips of the release as it is now, and whether their audio can be used.

        Every file is decoded once (`emolit.data.audio_check`).
        """
        self.ensure_release()
        clips = self.read_release()
        check_ids(self.name, clips)
        if self.size and len(clips) != self.size:
            rank_zero_warn(
                f"{self.name!r} in {self.location} has {len(clips)} clips, the release has "
                f"{self.size}; numbers measured on it are not comparable. Get the release again."
            )
        return AudioCheck(self.name, self.location, self.loading.frames > 0).entries(
            clips,
            lambda text: rank_zero_info(f"{self.name}: {text}"),
        )

    def prepare_data(self) -> None:
        """Read and check the release on the first process; each machine makes sure to have it."""
        if placement()[0]:
            self.ensure_release()
        else:
            self._entries = self.entries()

    def _share_entries(self) -> tuple[AudioRecord, ...]:
        """Return what the first process has found; the others touch no file for it."""
        rank, processes = placement()
        found = [() if rank else self._entries or self.entries()]
        if processes > 1:
            distributed.broadcast_object_list(found, src=0)
        return found[0]

    def setup(self, stage: str | None = None) -> None:
        """Map and drop labels, sort out bad audio, partition, check. Runs once.

        All clips of the release are partitioned: a label left out, or a broken file, moves no
        other clip to another split.

        Raises:
            CorpusError: No clip is left, or a speaker stands in two splits.
            AudioError: Audio cannot be used and ``on_bad_audio`` is ``raise``.
        """
        if self._splits:
            return
        entries = remember_earlier(self._share_entries())
        kept, dropped = relabel(self.name, entries, self.taxonomy, self.label_map)
        good, skipped = usable(self.name, kept, self.loading.on_bad_audio == "raise", self.broken)
        clips = self._assign_splits([entry.clip for entry in entries], good)
        if self.speaker_independent:
            check_speakers(self.name, clips)
        self._splits = {
            split: tuple(clip for clip in clips if clip.split == split) for split in get_args(Split)
        }
        census = Census.count(
            self.name,
            clips,
            self.loading.max_seconds,
            dropped=dropped,
            skipped=skipped,
            notes=(*(WHOLE if self.all_test else self.notes(clips)), *self._remark_unused(clips)),
        )
        self._censuses = (census,)
        rank_zero_info(str(census))

    def _remark_unused(self, clips: Iterable[Clip]) -> tuple[str, ...]:
        """Remark labels that were asked for and that no clip has."""
        carried = {clip.label for clip in clips}
        absent = [label for label in self.requested_labels or () if label not in carried]
        return (
            (f"no clip has the label {', '.join(absent)}",) if absent and carried != {None} else ()
        )

    def _assign_splits(self, all_clips: Sequence[Clip], served: Sequence[Clip]) -> list[Clip]:
        """Return the clips served with the splits that the partition of all clips gives them."""
        if self.all_test:
            return [replace(clip, split="test") for clip in served]
        splits = {clip.id: clip.split for clip in self.partition(all_clips)}
        return [replace(clip, split=splits.get(clip.id)) for clip in served]

    def train_dataloader(self) -> ClipLoader:
        """Return shuffled training batches; the ragged end of an epoch is dropped.

        Raises:
            CorpusError: There are fewer clips than a step needs.
        """
        clips = self.clips("train")
        sampler = training_sampler(self.name, clips, self.loading, [len(clips)])
        return self.loader(clips, sampler, training=True)

    def val_dataloader(self) -> ClipLoader | list[ClipLoader]:
        """Return validation batches; an empty list where the corpus has no validation clips."""
        clips = self.clips("val")
        return self.loader(clips, ClipSampler([len(clips)])) if clips else []

    def test_dataloader(self) -> ClipLoader | list[ClipLoader]:
        """Return test batches: every clip once, and once under each condition."""
        clips = under_conditions(self.clips("test"), self.conditions)
        return self.loader(clips, ClipSampler([len(clips)]))

    def predict_dataloader(self) -> ClipLoader | list[ClipLoader]:
        """Return batches of the test clips, every one once."""
        clips = self.clips("test")
        return self.loader(clips, ClipSampler([len(clips)]))

    def loader(
        self, clips: tuple[Clip, ...], sampler: ClipSampler, training: bool = False
    ) -> ClipLoader:
        """Return a loader of clips, questions and audio under this corpus's settings.

        Raises:
            ConfigError: There is no prompt.
            CorpusError: There is no full step of clips.
        """
        if self.prompt is None:
            raise ConfigError(f"The corpus {self.name!r} has no prompt; set `prompt`.")
        needed = placement()[1] * (self.loading.batch_size if training else 1)
        if len(clips) < needed:
            raise CorpusError(
                f"The corpus {self.name!r} has {len(clips)} clips for "
                f"{'training' if training else 'evaluation'}, a step of all processes needs "
                f"{needed}. It serves: {'; '.join(map(str, self.censuses)) or 'nothing'}."
            )
        folders, conditions, rate = self.folders, self.conditions, self.sampling_rate
        folders |= {name: folders[its.corpus] for name, its in conditions.items()}
        dataset = self.dataset_class(clips, folders, rate, self.loading, training, conditions)
        labels = self.taxonomy.labels
        collate = Collate(self.prompt, labels, rate, dataset.augmented, conditions)
        loader = clip_loader(dataset, sampler, collate, training)
        loader.repeats = self.repeats if training else 1
        return loader

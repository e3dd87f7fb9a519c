"""From clips to batches: what is loaded how, decoded audio, questions put."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from torch import Generator, Tensor, zeros
from torch.utils.data import Dataset

from emolit.audio import decoding as audio
from emolit.audio.augmentation import Transform, alter
from emolit.audio.video_frames import pictures
from emolit.data.conditions import Condition, as_it_is, check_conditions
from emolit.data.sampler import ClipLoader, ClipSampler, even, placement
from emolit.errors import AudioError, ConfigError
from emolit.prompts import Prompt
from emolit.seed import run_seed
from emolit.types import Batch, Clip

Item = tuple[Clip, *tuple[Tensor, ...]]
"""A clip, its waveform and, where they are wanted, its pictures."""
TRIES = 16
"""How many clips that follow a bad one in a row are tried in its place, in training."""


@dataclass(frozen=True)
class LoaderSettings:
    """How clips are loaded.

    Attributes:
        batch_size: Clips a training step of one process.
        eval_batch_size: Clips a step of validation, test and prediction.
        num_workers: Processes that decode audio beside each process of the trainer.
        seed: Gives the order in training, together with the epoch; None takes the run's seed.
        max_seconds: Longer clips are cut to their first seconds; how many is logged.
        on_bad_audio: ``raise`` stops with a list of the files that cannot be used; ``skip``
            leaves them out, counts and lists them. So too where a file breaks in the middle of a
            run; in training the next clip that can be read takes its place.
        frames: Pictures out of each clip's video, evenly spread over it, for policies that see; a
            clip without video is as bad as one without audio. 0 leaves videos alone.
        frame_side: Longest side of a picture in pixels; larger ones are made smaller.
        balance: How evenly training draws the labels of each corpus, 0 to 1: 0 reads every clip
            once an epoch, 1 draws every label as often, rare ones repeatedly. An epoch keeps its
            length.
        outside_links: Whether files of clips may lie outside of the corpus, where links lead to.
        augmentations: What alters the sound in training, one after the other: any that takes
            samples and a rate, such as ``audiomentations.AddGaussianSNR``. Each epoch draws anew.
        conditions: Names, and what alters the sound under each: a test hears every clip as it is
            and once under each condition, whose scores are those of ``<corpus>-<name>``. Draws
            follow from the seed given here, else 0, so that all checkpoints hear the same.
    """

    batch_size: int = 8
    eval_batch_size: int = 32
    num_workers: int = 0
    seed: int | None = None
    max_seconds: float = 30.0
    on_bad_audio: Literal["raise", "skip"] = "raise"
    frames: int = 0
    frame_side: int = 448
    balance: float = 0.0
    outside_links: bool = False
    augmentations: Sequence[Transform] = field(default_factory=list)
    conditions: Mapping[str, Sequence[Transform]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse sizes without meaning."""
        for name in ("batch_size", "eval_batch_size", "max_seconds", "frame_side"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"`loading.{name}` is {getattr(self, name)}; it must be above 0.")
        if not 0 <= self.balance <= 1:
            raise ConfigError(f"`loading.balance` is {self.balance}; choose it from 0 to 1.")
        for name in ("num_workers", "order_seed", "frames"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"`loading.{name.removeprefix('order_')}` is {getattr(self, name)}; "
                    "it must be 0 or more."
                )
        check_conditions(self.conditions)

    @property
    def order_seed(self) -> int:
        """The seed that gives the order in training."""
        return run_seed() if self.seed is None else self.seed


@dataclass(frozen=True)
class ClipDataset(Dataset[Item]):
    """Clips with their audio, and pictures if any are wanted, decoded when asked for.

    Attributes:
        clips: In the order of their index.
        folders: Corpus name to the folder that the clips' paths are relative to.
        sampling_rate: Of the waveforms, in Hz.
        loading: Where long clips are cut, and how many pictures are wanted.
        conditions: Under which clips of a corpus are heard, by its name (`emolit.data.conditions`).
        training: Whether clips are altered as training asks, and another one takes the place of one
            that cannot be read any more.
    """

    clips: tuple[Clip, ...]
    folders: Mapping[str, Path]
    sampling_rate: int
    loading: LoaderSettings = LoaderSettings()
    training: bool = False
    conditions: Mapping[str, Condition] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.clips)

    @property
    def augmented(self) -> bool:
        """Whether sound is drawn anew in every epoch."""
        return self.training and bool(self.loading.augmentations)

    def __getitem__(self, index: int) -> Item:
        """Return a clip, its waveform ``[samples]``, and its pictures ``[N, 3, H, W]`` if any.

        The waveform of a clip that is text alone is empty.

        Args:
            index: Of the clip; where sound is drawn anew, plus the number of clips times the epoch.

        Raises:
            AudioError: The file cannot be decoded, or has become shorter since it was checked; or a
                transform made no sound of it.
        """
        epoch, place = divmod(index, len(self)) if self.augmented else (0, index)
        clip, wanted = self.clips[place], self.loading
        if not clip.path:
            return clip, zeros(0)
        heard = self.hear(clip)
        altered = self._alter(clip, heard, epoch)
        if not wanted.frames or clip.video is None:
            return clip, altered
        video = self.folders[clip.corpus] / clip.video
        span = (clip.start, len(heard) / self.sampling_rate)
        return clip, altered, pictures(video, wanted.frames, wanted.frame_side, *span)

    def __getitems__(self, indices: Sequence[int]) -> list[Item | AudioError]:
        """Return the clips of a batch, and the errors of those that cannot be read any more.

        No error is raised in a loader's worker, which would hide it behind a traceback.
        """
        return [found for index in indices for found in self._read(index)]

    def _read(self, index: int) -> Iterator[Item | AudioError]:
        """Yield a clip, or what is wrong with it; then, where it is replaced, the next good one."""
        replaced = self.training and self.loading.on_bad_audio == "skip"
        epoch, place = divmod(index, len(self))
        for step in range(1 + TRIES * replaced):
            try:
                yield self[epoch * len(self) + (place + step) % len(self)]
                return
            except AudioError as error:
                yield error

    def hear(self, clip: Clip) -> Tensor:
        """Return the waveform of a clip, no longer than is heard of one. ``[samples]``.

        Raises:
            AudioError: The file cannot be decoded, has become shorter since it was checked, or
                silent.
        """
        folder, wanted = self.folders[clip.corpus], self.loading
        heard = audio.decode(
            folder / clip.path, self.sampling_rate, wanted.max_seconds, clip.start, clip.end
        )
        lasts = min(wanted.max_seconds, clip.seconds or 0.0)
        if len(heard) / self.sampling_rate < lasts - audio.TOLERANCE:
            raise AudioError(
                f"{folder / clip.path} lasts {len(heard) / self.sampling_rate:.2f} s of the "
                f"{lasts:.2f} s that it had when it was checked: it was changed since. Put it "
                "back, and start again."
            )
        if not heard.any():  # silent to where it is cut, or all of it
            audio.check(folder / clip.path, clip.start, clip.end)
        return heard

    def _alter(self, clip: Clip, heard: Tensor, epoch: int) -> Tensor:
        """Return a waveform as the epoch or the clip's condition has it, cut. ``[samples]``.

        Raises:
            AudioError: A transform made no sound of it.
        """
        wanted, rate = self.loading, self.sampling_rate
        condition = self.conditions.get(clip.corpus)
        transforms = wanted.augmentations if self.augmented else ()
        key: tuple[object, ...] = (wanted.order_seed, epoch, clip.corpus, clip.id)
        if condition is not None:
            transforms = condition.transforms
            key = (wanted.seed or 0, condition.name, condition.corpus, clip.id)
        if not transforms:
            return heard
        altered = alter(heard, rate, transforms, key, f"{clip.id!r} of {clip.corpus!r}")
        return altered[: round(wanted.max_seconds * rate)]


@dataclass(frozen=True)
class Collate:
    """Makes a batch: clips, questions, targets and waveforms; no tokens, no model.

    Attributes:
        prompt: Puts the question and knows the reply wanted.
        options: The labels that a question offers.
        sampling_rate: Of the waveforms, in Hz.
        augmented: Whether the sound is drawn anew in every epoch.
        conditions: Of corpora, whose clips are asked about as elsewhere.
    """

    prompt: Prompt
    options: tuple[str, ...]
    sampling_rate: int
    augmented: bool = False
    conditions: Mapping[str, Condition] = field(default_factory=dict)

    def __call__(self, items: Sequence[Item | AudioError]) -> Batch:
        """Put the question about each clip, and say which reply is wanted.

        Args:
            items: Clips with what was decoded of them, and errors of others.
        """
        good = [item for item in items if not isinstance(item, AudioError)]
        clips, waveforms, *frames = zip(*good, strict=True) if good else ((), ())
        asked = [as_it_is(clip, self.conditions) for clip in clips]
        return Batch(
            clips=clips,
            questions=tuple(self.prompt.render(clip, self.options) for clip in asked),
            targets=tuple(self.prompt.target(clip) for clip in asked),
            options=self.options,
            waveforms=waveforms,
            sampling_rate=self.sampling_rate,
            frames=frames[0] if frames else (),
            unread=tuple(str(item) for item in items if isinstance(item, AudioError)),
            augmented=self.augmented,
        )


def training_sampler(
    name: str,
    clips: Sequence[Clip],
    loading: LoaderSettings,
    groups: Sequence[int],
    weights: Sequence[float] | None = None,
) -> ClipSampler:
    """Return the order of training clips.

    Args:
        name: Of the corpus.
        clips: Of training.
        loading: With seed and balance.
        groups: Number of clips of each corpus, which follow each other.
        weights: Share of each in an epoch; None reads every clip once.

    Raises:
        ConfigError: Labels shall be balanced, and no clip has one.
    """
    labels = [clip.label for clip in clips]
    if loading.balance and clips and not any(labels):
        raise ConfigError(
            f"`loading.balance` is {loading.balance:g}, but no training clip of {name!r} has a "
            "label; leave it out."
        )
    sampler = ClipSampler(
        groups, True, loading.order_seed, weights, labels=labels, balance=loading.balance
    )
    sampler.tells_epoch = bool(loading.augmentations)
    return sampler


def clip_loader(
    dataset: ClipDataset, sampler: ClipSampler, collate: Collate, training: bool
) -> ClipLoader:
    """Return a loader of batches; in training the ragged end of an epoch is dropped.

    The generator is the loader's own, so that loading draws nothing from the global stream.

    Args:
        dataset: The clips, with batch sizes, workers and seed.
        sampler: Their order.
        collate: Makes batches.
        training: Whether batches are those of training.
    """
    loading = dataset.loading
    evaluated = even(len(dataset), loading.eval_batch_size, placement()[1])
    loader = ClipLoader(
        replace(dataset, training=training),
        batch_size=loading.batch_size if training else evaluated,
        sampler=sampler,
        num_workers=loading.num_workers,
        collate_fn=collate,
        drop_last=training,
        generator=Generator().manual_seed(loading.order_seed),
        persistent_workers=loading.num_workers > 0,
    )
    loader.skips = loading.on_bad_audio == "skip"
    return loader

"""From clips to batches: what is loaded how, decoded audio, questions put."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Generator, Tensor, zeros
from torch.utils.data import Dataset

from emolit import audio
from emolit.errors import ConfigError
from emolit.prompts import Prompt
from emolit.sampler import ClipLoader, ClipSampler, even, placement
from emolit.seed import run_seed
from emolit.types import Batch, Clip


@dataclass(frozen=True)
class Loading:
    """How clips are loaded.

    Attributes:
        batch_size: Clips a training step of one process.
        eval_batch_size: Clips a step of validation, test and prediction.
        num_workers: Processes that decode audio beside each process of the trainer.
        seed: Gives the order in training, together with the epoch; None takes the run's seed.
        max_seconds: Longer clips are cut to their first seconds; how many is logged.
        on_bad_audio: ``raise`` stops with a list of the files that cannot be used; ``skip``
            leaves them out, counts and lists them.
    """

    batch_size: int = 8
    eval_batch_size: int = 32
    num_workers: int = 0
    seed: int | None = None
    max_seconds: float = 30.0
    on_bad_audio: Literal["raise", "skip"] = "raise"

    def __post_init__(self) -> None:
        """Refuse sizes without meaning."""
        for name in ("batch_size", "eval_batch_size", "max_seconds"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"`loading.{name}` is {getattr(self, name)}; it must be above 0.")
        for name in ("num_workers", "order_seed"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"`loading.{name.removeprefix('order_')}` is {getattr(self, name)}; "
                    "it must be 0 or more."
                )

    @property
    def order_seed(self) -> int:
        """The seed that gives the order in training."""
        return run_seed() if self.seed is None else self.seed


@dataclass(frozen=True)
class ClipDataset(Dataset[tuple[Clip, Tensor]]):
    """Clips with their audio, decoded when asked for.

    Attributes:
        clips: In the order of their index.
        folders: Corpus name to the folder that the clips' paths are relative to.
        sampling_rate: Of the waveforms, in Hz.
        max_seconds: Where long clips are cut.
    """

    clips: tuple[Clip, ...]
    folders: Mapping[str, Path]
    sampling_rate: int
    max_seconds: float

    def __len__(self) -> int:
        """Return the number of clips."""
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[Clip, Tensor]:
        """Return a clip and its waveform ``[samples]``, empty for a clip that is text alone."""
        clip = self.clips[index]
        if not clip.path:
            return clip, zeros(0)
        path = self.folders[clip.corpus] / clip.path
        segment = (clip.start, clip.end)
        return clip, audio.decode(path, self.sampling_rate, self.max_seconds, *segment)


@dataclass(frozen=True)
class Collate:
    """Makes a batch: clips, questions, targets and waveforms; no tokens, no model.

    Attributes:
        prompt: Puts the question and knows the reply wanted.
        options: The labels that a question offers.
        sampling_rate: Of the waveforms, in Hz.
    """

    prompt: Prompt
    options: tuple[str, ...]
    sampling_rate: int

    def __call__(self, items: Sequence[tuple[Clip, Tensor]]) -> Batch:
        """Put the question about each clip; the target is None where the clip has no gold."""
        clips = tuple(clip for clip, _ in items)
        return Batch(
            clips=clips,
            questions=tuple(self.prompt.render(clip, self.options) for clip in clips),
            targets=tuple(
                self.prompt.target(clip) if self.prompt.known(clip) else None for clip in clips
            ),
            options=self.options,
            waveforms=tuple(waveform for _, waveform in items),
            sampling_rate=self.sampling_rate,
        )


def clip_loader(
    dataset: ClipDataset, sampler: ClipSampler, collate: Collate, loading: Loading, training: bool
) -> ClipLoader:
    """Return a loader of batches; in training the ragged end of an epoch is dropped.

    The generator is the loader's own, so that loading draws nothing from the global stream.

    Args:
        dataset: The clips.
        sampler: Their order.
        collate: Makes batches.
        loading: Sizes, workers and seed.
        training: Whether batches are those of training.
    """
    evaluated = even(len(dataset), loading.eval_batch_size, placement()[1])
    return ClipLoader(
        dataset,
        batch_size=loading.batch_size if training else evaluated,
        sampler=sampler,
        num_workers=loading.num_workers,
        collate_fn=collate,
        drop_last=training,
        generator=Generator().manual_seed(loading.order_seed),
        persistent_workers=loading.num_workers > 0,
    )

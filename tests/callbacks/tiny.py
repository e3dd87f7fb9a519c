"""The smallest task whose steps return what callbacks read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from emolit.affect.taxonomy import Taxonomy
from emolit.evaluators import Evaluator
from emolit.evaluators.categorical import Categorical
from emolit.types import Answer, Batch, Clip, Evaluation, Rollout, Sampling, ScoredRollout

LABELS = ("angry", "happy", "sad")


class Loader:
    """Batches in a list, which Lightning would take for several loaders."""

    def __init__(self, *batches: Batch) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


def tone(index: int) -> Tensor:
    """A tenth of a second of sine, another pitch for each index."""
    return 0.5 * torch.sin(torch.arange(1600) * 0.1 * (index + 1))


def batch_of(*clips: Clip) -> Batch:
    """One question about each clip."""
    targets = tuple(
        None if clip.label is None else f"<answer>{clip.label}</answer>" for clip in clips
    )
    waveforms = tuple(tone(index) for index in range(len(clips)))
    return Batch(clips, ("Which emotion?",) * len(clips), targets, LABELS, waveforms, 16_000)


class Told(LightningModule):
    """Answers each clip with what it was told.

    Args:
        replies: Clip id to response and parsed answer.
        corpora: Names of the corpora.
        scored: What training returns beside the loss.
    """

    def __init__(
        self,
        replies: dict[str, tuple[str, Answer | None]],
        corpora: tuple[str, ...] = ("one",),
        scored: ScoredRollout | None = None,
    ) -> None:
        super().__init__()
        self.replies = replies
        self.corpora = corpora
        self.score_rollout = scored
        self.weight = nn.Parameter(torch.ones(1))
        self.evaluator: Evaluator = Categorical(Taxonomy(LABELS))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        self.log("train/reward", 0.25)
        self.log("train/kl", 0.0125)
        self.log("train/tokens_per_second", 1234.0)
        extra = {} if self.score_rollout is None else {"scored": self.score_rollout}
        return {"loss": self.weight.sum(), **extra}

    def predict_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> Evaluation:
        found = [self.replies[clip.id] for clip in batch.clips]
        half = tuple(None if answer is None else 0.5 for _, answer in found)
        return Evaluation(
            batch,
            tuple(response for response, _ in found),
            tuple(answer for _, answer in found),
            {"correct": half},
        )

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> Evaluation:
        evaluation = self.predict_step(batch, batch_idx)
        self.evaluator.update(evaluation)
        return evaluation

    test_step = validation_step

    def on_validation_epoch_start(self) -> None:
        self.evaluator.start(self.corpora)

    on_test_epoch_start = on_validation_epoch_start


def rollout(responses: list[list[str]], answers: list[list[str | None]]) -> ScoredRollout:
    """A scored rollout; the first reward does not apply to the first response."""
    clips = [Clip(f"clip {b}", "one", "a.wav", "sad") for b in range(len(responses))]
    shape = (len(responses), len(responses[0]))
    tokens = torch.zeros(*shape, 3, dtype=torch.int64)
    drawn = Rollout(
        batch_of(*clips),
        tokens,
        tokens == 0,
        tokens.float(),
        torch.ones(shape, dtype=torch.bool),
        tuple(tuple(group) for group in responses),
        Sampling(),
        tuple(tuple(group) for group in answers),
    )
    rewards = {"correct": torch.ones(shape), "well_formed": torch.full(shape, 0.125)}
    rewards["correct"][0, 0] = torch.nan
    return ScoredRollout(drawn, rewards, torch.full(shape, 0.75), torch.full(shape, -1.5))


def trainer(folder: Path, *callbacks: Callback, **settings: Any) -> Trainer:
    """A trainer on the CPU that writes TensorBoard events below the folder."""
    quiet = {
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "log_every_n_steps": 1,
        "devices": 1,
        "max_epochs": 1,
        "logger": TensorBoardLogger(folder, name="", version="board"),
    }
    return Trainer(
        accelerator="cpu",
        default_root_dir=folder,
        callbacks=list(callbacks),
        **{**quiet, **settings},
    )


def events(folder: Path) -> EventAccumulator:
    """What stands in TensorBoard."""
    board = EventAccumulator(
        str(folder / "board"), {"images": 0, "audio": 0, "tensors": 0, "histograms": 0}
    )
    return board.Reload()

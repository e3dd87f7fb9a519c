"""What all tasks share: a policy that learns, its optimizer, and what a checkpoint holds."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.optim import Optimizer

from emolit.compat.lightning import (
    gather_state_by,
    keep_batches,
    scales_gradients,
    take_over_precision,
    trainer_of,
)
from emolit.compat.lightning_parts import saves_in_parts
from emolit.corpora import Corpus
from emolit.engine.weights.finite import total_norm
from emolit.engine.weights.freezing import trainable_table
from emolit.engine.weights.sharding import gather_weights
from emolit.errors import ConfigError, NonFiniteError, PolicyError
from emolit.evaluators import Evaluator
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.seed import run_seed
from emolit.tasks import settings
from emolit.tasks.monitors import settle_monitors
from emolit.tasks.resumable import OptimizerFactory, ResumableTask, SchedulerFactory
from emolit.tasks.training_checks import check_numbers, check_rate
from emolit.types import Batch, Sampling, Split

HEARD: dict[str, Split] = {"fit": "train", "validate": "val", "test": "test", "predict": "test"}
"""Whose clips a stage of the trainer is about."""
CHANGING = "changing"
"""Where Lightning's checkpoint file has the names of its weights."""


class Task(ResumableTask, ABC):
    """A policy with a prompt, an evaluator and an optimizer.

    Lightning's checkpoint file holds the weights that train and a reference that moves, not the
    frozen ones: these come from the policy's own checkpoint.

    Args:
        policy: The model that answers.
        optimizer: Any torch optimizer; it gets the parameters that train.
        scheduler: Any torch scheduler, stepped once an optimizer step.
        evaluator: Turns answers into scores; validation and test need it.
        prompt: Linked from the root of the config; do not set it here.
        sampling: How responses are drawn; validation and test decode greedily.
    """

    def __init__(
        self,
        policy: Policy,
        optimizer: OptimizerFactory,
        scheduler: SchedulerFactory | None,
        evaluator: Evaluator,
        prompt: Prompt | None,
        sampling: Sampling,
    ) -> None:
        super().__init__(policy, evaluator, prompt, sampling)
        self.optimizer_factory, self.scheduler_factory = optimizer, scheduler
        self.strict_loading = False  # frozen weights are not in the file; see on_load_checkpoint

    @property
    def needs_reference(self) -> bool:
        """Whether training scores responses under the reference; by default not."""
        return False

    @abstractmethod
    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Return ``loss`` and what callbacks show."""

    def setup(self, stage: str) -> None:
        """Settle what callbacks monitor, check the clips; keep Lightning from casting batches."""
        if stage == "fit":
            settle_monitors(self.trainer, self.evaluator)
        corpus = getattr(self.trainer, "datamodule", None)
        if isinstance(corpus, Corpus):
            self.require_prompt().variation.check_clips(corpus.clips(HEARD[stage]))
        keep_batches(self.trainer)

    def configure_model(self) -> None:
        """Load the weights, once, after Lightning has set precision and device."""
        trainer = trainer_of(self)
        fitting = trainer is not None and trainer.state.fn == "fit"
        loading = getattr(getattr(trainer, "datamodule", None), "loading", None)
        self.policy.pictured = getattr(loading, "frames", 0) > 0
        if fitting:
            self.policy.check_place(trainer.strategy.root_device, self.device_mesh is not None)
        if self.device_mesh is not None:
            self.policy.expect_shards()
        self.policy.build(reference=fitting and self.needs_reference, seed=run_seed())
        if self.device_mesh is not None:
            self.policy.shard(self.device_mesh, take_over_precision(trainer))
            if not saves_in_parts(trainer):
                gather_state_by(trainer, self._gather_changing)

    def mean_count(self, count: Tensor) -> Tensor:
        """Return a count averaged over all processes, at least a tiny one.

        A loss that is a sum divided by it becomes, averaged over processes as DDP does, the sum
        over all of them divided by the whole count: as if one process had had all rows.
        """
        return self.mean_over_processes(count).clamp(min=1e-6)

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return 1 if trainer_of(self) is None else self.trainer.world_size

    def mean_over_processes(self, values: Tensor) -> Tensor:
        """Return the mean of each value over all processes, every one of which must ask."""
        if self.processes == 1:
            return values.float()
        mean: Tensor = self.trainer.strategy.reduce(values.float(), reduce_op="mean")
        return mean

    def configure_optimizers(self) -> Any:
        """Give the optimizer what trains.

        Raises:
            ConfigError: Nothing trains, or in numbers that are too coarse, or torch refuses a
                setting of the optimizer.
        """
        weights = [weight for weight in self.policy.parameters() if weight.requires_grad]
        if not weights:
            named = type(self.policy).__name__
            raise ConfigError(
                "Nothing trains: every module is frozen; shorten `freeze`."
                if any(True for _ in self.policy.parameters())
                else f"{named} has no weights that a gradient trains; use the task "
                "`EstimatorFitting`, which fits it."
            )
        check_numbers(self.policy, trainer_of(self) and self.trainer.precision_plugin)
        try:
            optimizer = self.optimizer_factory(weights)
        except ValueError as error:
            raise ConfigError(
                f"The optimizer refuses its settings: {error}. Change `model.optimizer`."
            ) from error
        check_rate(self.policy, optimizer)
        given = settings.optimizer_settings(optimizer)
        if self.scheduler_factory is None:
            self.note_given(given)
            return optimizer
        scheduler = self.scheduler_factory(optimizer)
        self.note_given(given | settings.scheduler_settings(scheduler))
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_fit_start(self) -> None:
        """Say what trains, and which clips it will not hear to their end."""
        rank_zero_info(trainable_table(self.policy))
        self._tell_cut(("train", "val"))

    def on_test_start(self) -> None:
        """Say which clips will not be heard to their end."""
        self._tell_cut(("test",))

    def on_predict_start(self) -> None:
        """Say which clips will not be heard to their end."""
        self._tell_cut(("test",))

    def _tell_cut(self, splits: tuple[Split, ...]) -> None:
        """Count the clips that are longer than what the policy hears of one."""
        corpus, window = getattr(self.trainer, "datamodule", None), self.policy.window
        if window is None or corpus is None:
            return
        clips = [clip for split in splits for clip in corpus.clips(split)]
        cut = sum((clip.seconds or 0.0) > window for clip in clips)
        if cut:
            rank_zero_info(
                f"{cut} of {len(clips)} clips are longer than the {window:g} s that the policy "
                "hears; their ends are cut."
            )

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Log the norm of the gradient, before clipping; stop where it is not finite.

        Raises:
            NonFiniteError: A loss was finite and its gradient is not.
        """
        norm = total_norm(w.grad for w in self.parameters() if w.grad is not None)
        self.log("train/grad_norm", norm, sync_dist=True)
        if not scales_gradients(self.trainer) and not torch.isfinite(norm):
            raise NonFiniteError(
                f"The norm of the gradient is {norm.item()} in step {self.global_step}, though the "
                "loss was finite; lower the learning rate, or train in float32 or bfloat16."
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what changes, and its names; the rest comes from the policy's own checkpoint.

        Where each process writes its part, all stays: such a file cannot be loaded in part.
        """
        changing, state = self._changing(), checkpoint["state_dict"]
        if trainer_of(self) is None or not saves_in_parts(self.trainer):
            checkpoint["state_dict"] = {name: state[name] for name in state if name in changing}
        checkpoint[CHANGING] = sorted(changing)
        self.keep_place(checkpoint)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Check that every weight that changes is in the file, by names; prepare to go on.

        Lightning's ModelParallelStrategy has loaded and taken away the weights themselves by now.

        Raises:
            PolicyError: One is missing, or one has no place.
        """
        odd = sorted(self._changing().symmetric_difference(checkpoint[CHANGING]))
        if odd:
            raise PolicyError(
                f"The checkpoint and the policy differ in {len(odd)} trained weights, such as "
                f"{odd[0]!r}; resume with the settings of `policy` and `SyncReference` that the "
                "run was started with."
            )
        self.take_place(checkpoint)

    def _gather_changing(self) -> dict[str, Any]:
        """Return what changes, whole, on the first process; frozen weights stay where they are."""
        return dict(gather_weights(self, self._changing().__contains__))

    def _changing(self) -> set[str]:
        """Return the names of weights that train, and of those of a reference that moves."""
        trained = {name for name, weight in self.named_parameters() if weight.requires_grad}
        return trained | {f"policy.{name}" for name in self.policy.moving_reference()}


def check_finite(loss: Tensor, batch: Batch) -> None:
    """Stop at a loss that is not finite, naming the clips that made it.

    Raises:
        NonFiniteError: It is not.
    """
    if not torch.isfinite(loss):
        clips = [clip.id for clip in batch.clips]
        raise NonFiniteError(
            f"The loss is {loss.item()} on the clips {clips}; lower the learning rate, "
            "set trainer.gradient_clip_val, or look at these clips."
        )

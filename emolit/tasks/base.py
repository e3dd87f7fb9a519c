"""What all tasks share: a policy that learns, its optimizer, and what a checkpoint holds."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.nn import Parameter
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from emolit.compat.lightning import (
    batch_index,
    finish_training,
    keep_batches,
    replace_scheduler,
    run_validation,
    saves_in_parts,
    scales_gradients,
    total_batch_index,
    trainer_of,
    validation_due,
)
from emolit.engine.freezing import trainable_table
from emolit.errors import ConfigError, PolicyError
from emolit.evaluators import Evaluator
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.seed import run_seed
from emolit.tasks import place, settings
from emolit.tasks.answering import Answering
from emolit.tasks.monitors import settle_monitors
from emolit.tasks.trained import check_numbers, check_rate
from emolit.types import Batch, Sampling, Split

OptimizerFactory = Callable[[Iterable[Parameter]], Optimizer]
SchedulerFactory = Callable[[Optimizer], LRScheduler]

CHANGING = "changing"
"""Where Lightning's checkpoint file has the names of its weights."""
OWED = "validation_owed"
"""Where it says that a validation was to follow."""


class Task(Answering, ABC):
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
        self.optimizer_factory = optimizer
        self.scheduler_factory = scheduler
        self.strict_loading = False  # frozen weights are not in the file; see on_load_checkpoint
        self._mark: place.Mark | None = None
        self._validated: tuple[int, int] | None = None
        self._resumed: dict[str, Any] | None = None
        self._owed = False
        self._given: dict[str, Any] = {}
        self._given_then: dict[str, Any] | None = None

    @property
    @abstractmethod
    def needs_reference(self) -> bool:
        """Whether training scores responses under the reference."""

    @abstractmethod
    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Return ``loss`` and what callbacks show."""

    def setup(self, stage: str) -> None:
        """Settle what callbacks monitor; keep Lightning from casting batches."""
        if stage == "fit":
            settle_monitors(self.trainer, self.evaluator)
        keep_batches(self.trainer)

    def configure_model(self) -> None:
        """Load the weights, once, after Lightning has set precision and device."""
        trainer = trainer_of(self)
        fitting = trainer is not None and trainer.state.fn == "fit"
        loading = getattr(getattr(trainer, "datamodule", None), "loading", None)
        self.policy.pictured = getattr(loading, "frames", 0) > 0
        self.policy.build(reference=fitting and self.needs_reference, seed=run_seed())
        if self.device_mesh is not None:
            self.policy.shard(self.device_mesh)

    def shared(self, count: Tensor) -> Tensor:
        """Return a count averaged over all processes, at least a tiny one.

        A loss that is a sum divided by it becomes, averaged over processes as DDP does, the sum
        over all of them divided by the whole count: as if one process had had all rows.
        """
        return self.averaged(count).clamp(min=1e-6)

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return 1 if trainer_of(self) is None else self.trainer.world_size

    def averaged(self, values: Tensor) -> Tensor:
        """Return the mean of each value over all processes, every one of which must ask."""
        if self.processes == 1:
            return values.float()
        mean: Tensor = self.trainer.strategy.reduce(values.float(), reduce_op="mean")
        return mean

    def configure_optimizers(self) -> Any:
        """Give the optimizer what trains.

        Raises:
            ConfigError: Nothing trains, or in numbers that are too coarse.
        """
        weights = [weight for weight in self.policy.parameters() if weight.requires_grad]
        if not weights:
            raise ConfigError("Nothing trains: every module is frozen; shorten `freeze`.")
        check_numbers(self.policy, trainer_of(self) and self.trainer.precision_plugin)
        optimizer = self.optimizer_factory(weights)
        check_rate(self.policy, optimizer)
        self._given = self.overruled() | settings.optimizer_settings(optimizer)
        self._check_optimizer()
        if self.scheduler_factory is None:
            return optimizer
        scheduler = self.scheduler_factory(optimizer)
        self._given |= settings.scheduler_settings(scheduler)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def _check_optimizer(self) -> None:
        """Compare with the checkpoint's, which most strategies load before the optimizer is."""
        if self._given_then and self._given:
            settings.check_optimizer(self._given_then, self._given)

    def overruled(self) -> dict[str, Any]:
        """Return by name what the config gives and a checkpoint has too, beside the optimizer."""
        return {}

    def moving(self) -> dict[str, Any]:
        """Return what changes with every batch, not only with an optimizer step."""
        return {}

    def standing(self) -> dict[str, Any]:
        """Return the same as a checkpoint shall hold it: as it was when a window began."""
        return self._mark.moving if self._mark is not None and self._open else self.moving()

    @property
    def _open(self) -> bool:
        """Whether batches were trained on that no optimizer step has taken up."""
        return self._mark is not None and self._mark.step == self.global_step

    def on_fit_start(self) -> None:
        """Say what trains, and which clips it will not hear to their end."""
        rank_zero_info(trainable_table(self.policy))
        self._tell_cut(("train", "val"))

    def on_train_start(self) -> None:
        """Go on where the checkpoint stands: in its epoch, and with the validation it owed."""
        state, self._resumed = self._resumed, None
        self._mark = None
        if state is not None:
            place.take_up(self.trainer, state)
        self._renew()
        if self._owed:
            run_validation(self.trainer)
        self._owed = False

    def _renew(self) -> None:
        """Let settings that were changed since the checkpoint count."""
        then, self._given_then = self._given_then, None
        differing = {} if then is None else settings.changed(then, self._given)
        if not differing:
            return
        shown = ", ".join(f"{name}: {values}" for name, values in differing.items())
        rank_zero_info(f"Other settings than the checkpoint's, from here on: {shown}")
        (optimizer,) = self.trainer.optimizers
        weights = [weight for weight in self.policy.parameters() if weight.requires_grad]
        scheduler = settings.renew(
            optimizer, self.optimizer_factory(weights), self.scheduler_factory, self.global_step
        )
        if scheduler is not None:
            replace_scheduler(self.trainer, scheduler)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Mark where an accumulation window begins."""
        if not self._open:
            self._mark = place.marked(self.trainer, batch_idx, self.moving())

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Weigh the batches of a step alike, also where it has fewer than the others."""
        if self._mark is not None and self.trainer.accumulate_grad_batches > 1:
            loss = loss * place.share(self.trainer, self._mark, batch_index(self.trainer))
        super().backward(loss, *args, **kwargs)

    def on_validation_epoch_end(self) -> None:
        """Log the scores; note which weights were validated."""
        super().on_validation_epoch_end()
        self._validated = self._here

    @property
    def _here(self) -> tuple[int, int]:
        return self.global_step, total_batch_index(self.trainer)

    def on_fit_end(self) -> None:
        """Bring a run to its end that was killed after its last step, before it was validated."""
        if self._owed:
            finish_training(self.trainer)

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
            PolicyError: A loss was finite and its gradient is not.
        """
        gradients = [weight.grad for weight in self.parameters() if weight.grad is not None]
        norm = get_total_norm(gradients)
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        self.log("train/grad_norm", norm, sync_dist=True)
        if not scales_gradients(self.trainer) and not torch.isfinite(norm):
            raise PolicyError(
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
        if "loops" not in checkpoint:  # it is not a trainer that asks
            return
        checkpoint[settings.KEY] = self._given
        owes = not self._open and self._validated != self._here
        checkpoint[OWED] = owes and validation_due(self.trainer)
        if self._mark is not None and self._open:
            place.rewind(checkpoint, self._mark)

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
        if "loops" not in checkpoint or self.trainer.state.fn != "fit":
            return
        self._given_then = checkpoint.get(settings.KEY)
        self._check_optimizer()
        self._resumed = place.settle(checkpoint, self.trainer)
        self._owed = checkpoint.get(OWED, False)

    def _changing(self) -> set[str]:
        """Return the names of weights that train, and of those of a reference that moves."""
        trained = {name for name, weight in self.named_parameters() if weight.requires_grad}
        return trained | {f"policy.{name}" for name in self.policy.moving_reference()}


def check_finite(loss: Tensor, batch: Batch) -> None:
    """Stop at a loss that is not finite, naming the clips that made it.

    Raises:
        PolicyError: It is not.
    """
    if not torch.isfinite(loss):
        clips = [clip.id for clip in batch.clips]
        raise PolicyError(
            f"The loss is {loss.item()} on the clips {clips}; lower the learning rate, "
            "set trainer.gradient_clip_val, or look at these clips."
        )

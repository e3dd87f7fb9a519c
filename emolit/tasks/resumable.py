"""A training that goes on exactly where another process left it."""

from collections.abc import Callable, Iterable
from typing import Any

from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from emolit.compat.lightning import (
    batch_index,
    finish_training,
    replace_scheduler,
    run_validation,
    total_batch_index,
    validation_due,
)
from emolit.evaluators import Evaluator
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.tasks import resume_point, settings
from emolit.tasks.generative import EvaluatedModule
from emolit.types import Batch, Sampling

OptimizerFactory = Callable[[Iterable[Parameter]], Optimizer]
SchedulerFactory = Callable[[Optimizer], LRScheduler]

OWED = "validation_owed"
"""Where it says that a validation was to follow."""


class ResumableTask(EvaluatedModule):
    """What a task knows of its place in the training, of windows and of settings then and now.

    Args:
        policy: The model that answers.
        evaluator: Turns answers into scores.
        prompt: What is asked.
        sampling: How responses are drawn.
    """

    optimizer_factory: OptimizerFactory
    scheduler_factory: SchedulerFactory | None

    def __init__(
        self, policy: Policy, evaluator: Evaluator, prompt: Prompt | None, sampling: Sampling
    ) -> None:
        super().__init__(policy, evaluator, prompt, sampling)
        self._mark: resume_point.ResumePoint | None = None
        self._validated: tuple[int, int] | None = None
        self._resumed: dict[str, Any] | None = None
        self._owed = False
        self._given: dict[str, Any] = {}
        self._given_then: dict[str, Any] | None = None

    def note_given(self, given: dict[str, Any]) -> None:
        """Note what the config gives to optimizer and scheduler."""
        self._given = self.overruled_settings() | given
        self._check_optimizer()

    def _check_optimizer(self) -> None:
        """Compare with the checkpoint's, which most strategies load before the optimizer is."""
        if self._given_then and self._given:
            settings.check_optimizer(self._given_then, self._given)

    def overruled_settings(self) -> dict[str, Any]:
        """Return by name what the config gives and a checkpoint has too, beside the optimizer."""
        return {}

    def batch_state(self) -> dict[str, Any]:
        """Return what changes with every batch, not only with an optimizer step."""
        return {}

    def window_state(self) -> dict[str, Any]:
        """Return the same as a checkpoint shall hold it: as it was when a window began."""
        return self._mark.moving if self._mark is not None and self._open else self.batch_state()

    @property
    def _open(self) -> bool:
        """Whether batches were trained on that no optimizer step has taken up."""
        return self._mark is not None and self._mark.step == self.trainer.global_step

    def on_train_start(self) -> None:
        """Go on where the checkpoint stands: in its epoch, and with the validation it owed."""
        state, self._resumed = self._resumed, None
        self._mark = None
        if state is not None:
            resume_point.take_up(self.trainer, state)
        self._renew_settings()
        if self._owed:
            run_validation(self.trainer)
        self._owed = False

    def _renew_settings(self) -> None:
        """Let settings that were changed since the checkpoint count."""
        then, self._given_then = self._given_then, None
        differing = {} if then is None else settings.compare_settings(then, self._given)
        if not differing:
            return
        shown = ", ".join(f"{name}: {values}" for name, values in differing.items())
        rank_zero_info(f"Other settings than the checkpoint's, from here on: {shown}")
        (optimizer,) = self.trainer.optimizers
        weights = [weight for weight in self.policy.parameters() if weight.requires_grad]
        fresh = self.optimizer_factory(weights)
        scheduler = settings.renew(
            optimizer, fresh, differing, self.scheduler_factory, self.global_step
        )
        if scheduler is not None:
            replace_scheduler(self.trainer, scheduler)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Mark where an accumulation window begins."""
        if not self._open:
            self._mark = resume_point.take_resume_point(self.trainer, batch_idx, self.batch_state())

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Weigh the batches of a step alike, also where it has fewer than the others."""
        if self._mark is not None and self.trainer.accumulate_grad_batches > 1:
            loss = loss * resume_point.share(self.trainer, self._mark, batch_index(self.trainer))
        super().backward(loss, *args, **kwargs)

    def on_validation_epoch_end(self) -> None:
        """Log the scores; note which weights were validated."""
        super().on_validation_epoch_end()
        self._validated = self._here

    @property
    def _here(self) -> tuple[int, int]:
        return self.trainer.global_step, total_batch_index(self.trainer)

    def on_fit_end(self) -> None:
        """Bring a run to its end that was killed after its last step, before it was validated."""
        if self._owed:
            finish_training(self.trainer)

    def keep_place(self, checkpoint: dict[str, Any]) -> None:
        """Write into a checkpoint of the trainer what a run needs to go on."""
        if "loops" not in checkpoint:  # it is not a trainer that asks
            return
        checkpoint[settings.KEY] = self._given
        owes = not self._open and self._validated != self._here
        checkpoint[OWED] = owes and validation_due(self.trainer)
        if self._mark is not None and self._open:
            resume_point.rewind(checkpoint, self._mark)

    def take_place(self, checkpoint: dict[str, Any]) -> None:
        """Take it from there, for a training."""
        if "loops" not in checkpoint or self.trainer.state.fn != "fit":
            return
        self._given_then = checkpoint.get(settings.KEY)
        self._check_optimizer()
        self._resumed = resume_point.settle(checkpoint, self.trainer)
        self._owed = checkpoint.get(OWED, False)

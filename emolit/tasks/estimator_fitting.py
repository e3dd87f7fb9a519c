"""Fitting what has no gradient: every training clip once, then one fit."""

from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn

from emolit.errors import ConfigError
from emolit.evaluators import Evaluator
from emolit.policies.estimator import Estimator
from emolit.prompts import Prompt
from emolit.tasks.base import Task
from emolit.types import Batch, Sampling


class EstimatorFitting(Task):
    """Collect what a policy measures in the training clips, and let it fit: one epoch, one step.

    Validation, checkpoints and tests are those of every task. Choose among settings by `best_of` of
    a sweep, on validation.

    Args:
        policy: Fits all clips at once.
        evaluator: Turns answers into scores.
        prompt: Linked from the root of the config; do not set it here.
        sampling: How validation and test answer, greedily.
    """

    policy: Estimator

    def __init__(
        self,
        policy: Estimator,
        evaluator: Evaluator,
        prompt: Prompt | None = None,
        sampling: Sampling = Sampling(),
    ) -> None:
        super().__init__(policy, torch.optim.SGD, None, evaluator, prompt, sampling)
        self.automatic_optimization = False
        self.steps = nn.Parameter(torch.zeros(()))
        """What Lightning's optimizer has, which counts the step of the fit and does nothing."""
        self._seen: list[tuple[Tensor, Tensor]] = []

    def configure_optimizers(self) -> Any:
        """Give Lightning an optimizer to count steps by."""
        return torch.optim.SGD([self.steps], lr=0.0)

    def on_fit_start(self) -> None:
        """Say which clips will not be heard to their end.

        Raises:
            ConfigError: There are several processes, each of which would fit its own clips, or
                several epochs.
        """
        if self.processes > 1:
            raise ConfigError(
                f"EstimatorFitting fits all clips at once, and {self.processes} processes have "
                "parts of them; set `trainer.devices: 1`."
            )
        if self.trainer.max_epochs != 1:
            raise ConfigError(
                "EstimatorFitting hears each training clip once and fits once, and "
                f"`trainer.max_epochs` is {self.trainer.max_epochs}; set it to 1."
            )
        self._tell_cut(("train", "val"))

    def on_test_start(self) -> None:
        """Say which clips will not be heard to their end.

        Raises:
            ConfigError: Nothing was fitted.
        """
        given = self.policy.checkpoint is not None or self.trainer.ckpt_path is not None
        if not given and not self.policy.fitted:
            raise ConfigError(
                f"{type(self.policy).__name__} was never fitted, so its test means nothing; run "
                "`emolit fit` first, and give its folder: --model.policy.checkpoint RUN/best."
            )
        super().on_test_start()

    def on_train_epoch_start(self) -> None:
        """Forget what was collected before."""
        self._seen = []

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Collect; with the last batch of the epoch, fit."""
        self._seen.append((self.policy.measure(batch), self.policy.truths(batch)))
        if self.trainer.is_last_batch:
            self._fit()
        return {"loss": self.steps}

    def _fit(self) -> None:
        features, truths = (torch.cat(part) for part in zip(*self._seen, strict=True))
        self._seen = []
        corpus: Any = getattr(self.trainer, "datamodule", None)
        wanted = len(truths) if corpus is None else len(corpus.clips("train"))
        if len(truths) < wanted:
            rank_zero_warn(
                f"The fit saw {len(truths)} of {wanted} training clips: the ragged end of an epoch "
                "is dropped, and `trainer.limit_train_batches` may cut it. Let "
                "`loading.batch_size` divide their number."
            )
        self.policy.fit(features, truths)
        self.policy.fitted = True
        optimizer: Any = self.optimizers()
        optimizer.step()

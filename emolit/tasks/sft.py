"""Supervised finetuning: score the gold answer as the only response."""

from typing import Any

from emolit.evaluators import Evaluator
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.tasks.base import Task, check_finite
from emolit.tasks.resumable import OptimizerFactory, SchedulerFactory
from emolit.types import Batch, Sampling


class SupervisedFinetuning(Task):
    """Imitate the prompt's target reply: mean negative log-likelihood of its tokens.

    Args:
        policy: The model that answers.
        optimizer: Any torch optimizer.
        evaluator: Turns answers into scores.
        scheduler: Any torch scheduler, stepped once an optimizer step.
        prompt: Linked from the root of the config; do not set it here.
        sampling: How validation and test answer, greedily.
    """

    def __init__(
        self,
        policy: Policy,
        optimizer: OptimizerFactory,
        evaluator: Evaluator,
        scheduler: SchedulerFactory | None = None,
        prompt: Prompt | None = None,
        sampling: Sampling = Sampling(),
    ) -> None:
        super().__init__(policy, optimizer, scheduler, evaluator, prompt, sampling)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Return the loss of a batch."""
        rollout = self.policy.encode_targets(batch)
        loss = -self.policy.logprobs(rollout).sum() / self.mean_count(rollout.mask.sum())
        check_finite(loss, batch)
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch), sync_dist=True)
        return {"loss": loss}

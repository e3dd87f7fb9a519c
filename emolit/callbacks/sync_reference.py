"""A reference that follows the policy, TR-DPO, https://arxiv.org/abs/2404.09656.

The paper has two ways, and so have the settings here: a soft update (``alpha`` below 1, often) and
a hard one (``alpha`` 1, seldom). It deviates in that a soft one need not come after every step.
"""

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from emolit.errors import ConfigError


class SyncReference(Callback):
    """Moves the reference toward the policy every so many steps, so that the KL is a trust region.

    Reference <- alpha * policy + (1 - alpha) * reference, for all weights that train: in full
    training these, else the adapter's, of which the reference is a frozen twin then. The curve
    ``train/reference_step`` says after which optimizer step the reference last moved. Lightning's
    checkpoint file holds the moved reference; folders for others do not.

    Args:
        every_n_steps: Optimizer steps between two syncs; a batch that makes several steps is
            followed by one sync at most.
        alpha: Share of the policy in the new reference; 1 makes the two equal.
    """

    def __init__(self, every_n_steps: int = 50, alpha: float = 1.0) -> None:
        if every_n_steps < 1:
            raise ConfigError(f"`every_n_steps` of SyncReference is {every_n_steps}; 1 is least.")
        if not 0 < alpha <= 1:
            raise ConfigError(
                f"`alpha` of SyncReference is {alpha}, but must be above 0 and at most 1; leave "
                "the callback out for a reference that stays."
            )
        self.every_n_steps = every_n_steps
        self.alpha = alpha
        self.synced = 0
        """Optimizer steps at the last sync."""

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Tell the policy before it is built.

        Raises:
            ConfigError: The task has no reference.
        """
        if stage != "fit":
            return
        task: Any = pl_module
        if not task.needs_reference:
            raise ConfigError(
                "SyncReference has no reference to move: the task trains without one; give the "
                "objective a `kl` above 0, or leave the callback out."
            )
        task.policy.expect_sync()

    @override
    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Sync if a multiple of the interval has been reached since the last sync."""
        step, every = trainer.global_step, self.every_n_steps
        if step // every > self.synced // every:
            task: Any = pl_module
            task.policy.sync_reference(self.alpha)
            self.synced = step
        pl_module.log("train/reference_step", float(self.synced))

    @override
    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run must know."""
        return {"synced": self.synced}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up where the run was left."""
        self.synced = state_dict["synced"]

"""What tasks with rewards share: their names, weights and schedules, and what they say."""

from abc import ABC

from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from emolit.rewards.base import Scores
from emolit.rl.schedule import check_end
from emolit.tasks.demonstrated import DemonstratedTask
from emolit.tasks.totals import mask_incomplete
from emolit.types import Rollout


class RewardedTask(DemonstratedTask, ABC):
    """A task that learns from rewards.

    Attributes:
        rewards: What a response is worth, each under its own name.
    """

    def setup(self, stage: str) -> None:
        """Show the prompt to the rewards."""
        super().setup(stage)
        for reward in self.rewards:
            reward.prepare(self.require_prompt())

    def on_fit_start(self) -> None:
        """Say what trains and which rewards are on: a second list in YAML replaces the first."""
        super().on_fit_start()
        shown = ", ".join(f"{reward.weight_at(0.0):g} * {reward.name}" for reward in self.rewards)
        rank_zero_info(f"rewards: {shown}")

    def on_train_start(self) -> None:
        """Check that what follows the training, such as a weight, has an end to go to.

        Not earlier: asking for the length loads the data, before a checkpoint has said where in
        them the run is.

        Raises:
            ConfigError: Nobody knows the length.
        """
        super().on_train_start()
        if self.trainer.estimated_stepping_batches == float("inf"):
            for reward in self.rewards:
                check_end(f"the reward {reward.name!r}", reward)
            if self.demonstrations is not None:
                check_end("`demonstrations`", self.demonstrations)

    def scores_of(self, rollout: Rollout) -> dict[str, Scores]:
        """Return what each reward says, by name."""
        return {reward.name: reward(rollout) for reward in self.rewards}

    def rewards_of(self, rollout: Rollout) -> dict[str, Tensor]:
        """Return each reward ``[B, G]`` by name, NaN where it does not apply or failed."""
        return {name: scores.values for name, scores in self.scores_of(rollout).items()}

    def progress(self) -> float:
        """Return the share of training that is over, 0 where its length is unknown."""
        total = self.trainer.estimated_stepping_batches
        return min(1.0, self.global_step / total) if total and total != float("inf") else 0.0

    def compute_rewards(self, rollout: Rollout) -> dict[str, Tensor]:
        """Return each reward ``[B, G]`` by name, on the device, NaN where a total is lost."""
        found = mask_incomplete(self.rewards, self.scores_of(rollout), rollout.progress)
        return {name: values.to(self.device) for name, values in found.items()}

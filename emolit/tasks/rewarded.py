"""What tasks with rewards share: their names, weights and schedules, and what they say."""

from abc import ABC
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from emolit.errors import ConfigError
from emolit.rewards.base import Scores
from emolit.rl.balance import label_weights
from emolit.rl.schedule import check_end
from emolit.tasks.demonstrated import DemonstratedTask
from emolit.tasks.totals import mask_incomplete
from emolit.types import Batch, Rollout


class RewardedTask(DemonstratedTask, ABC):
    """A task that learns from rewards.

    Attributes:
        rewards: What a response is worth, each under its own name.
        label_balance: How much advantages weigh by the rarity of a clip's label, 0 to 1.
    """

    label_balance = 0.0
    _label_weights: Mapping[str, float] = MappingProxyType({})

    def setup(self, stage: str) -> None:
        """Show the prompt to the rewards; look at the labels of the training clips.

        Raises:
            ConfigError: Settings do not go together.
        """
        super().setup(stage)
        for reward in self.rewards:
            reward.prepare(self.require_prompt())
        if stage == "fit":
            self._check_groups()
        balanced = stage == "fit" and self.label_balance > 0
        self._label_weights = self._weigh_labels() if balanced else {}

    @property
    def breaks_groups(self) -> str | None:
        """What rewards responses outside of the group that they were sampled in, if anything."""
        return f"`{type(self.demonstrations).__name__}`" if self.joins_gold else None

    def _check_groups(self) -> None:
        """Refuse rewards that compare where responses are rewarded outside of their groups.

        Raises:
            ConfigError: There is one.
        """
        comparing = [reward.name for reward in self.rewards if reward.compares]
        if comparing and self.breaks_groups:
            raise ConfigError(
                f"The reward {comparing[0]!r} compares the responses of a group, and "
                f"{self.breaks_groups} rewards replies outside of it; leave one of them out."
            )

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
            for name, owner in self.scheduled().items():
                check_end(name, owner)

    def scheduled(self) -> dict[str, object]:
        """Return what may have settings that follow the training, as a person knows it."""
        found: dict[str, object] = {f"the reward {each.name!r}": each for each in self.rewards}
        if self.demonstrations is not None:
            found["`demonstrations`"] = self.demonstrations
        return found

    def closed_options(self, batch: Batch) -> tuple[str, ...]:
        """Return the options of questions whose answers are listed.

        Raises:
            ConfigError: They are open.
        """
        if not batch.options:
            raise ConfigError(
                "The questions have no closed options, so that their answers cannot be listed; "
                "train with `ReinforcementFinetuning`."
            )
        return batch.options

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

    def reward_more(self, rollout: Rollout) -> dict[str, Tensor]:
        """Reward more responses of a step; what the rewards count adds up over all of it."""
        before = [reward.counts.copy() for reward in self.rewards]
        found = self.compute_rewards(rollout)
        for reward, counts in zip(self.rewards, before, strict=True):
            reward.counts.update(counts)
        return found

    def reward_gold(self, rollout: Rollout, rewards: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return each reward with that of the gold reply behind it, where it joins its group."""
        if not self.joins_gold:
            return rewards
        told = self.parse_responses(self.policy.encode_targets(rollout.batch))
        found = self.reward_more(replace(told, progress=rollout.progress))
        return {name: torch.cat([mine, found[name]], dim=1) for name, mine in rewards.items()}

    def _weigh_labels(self) -> dict[str, float]:
        """Return the weight of each label of the training clips.

        Raises:
            ConfigError: No training clip has one.
        """
        corpus: Any = getattr(self.trainer, "datamodule", None)
        clips = [] if corpus is None else corpus.clips("train")
        names = () if corpus is None else corpus.training_names
        counts = Counter(clip.label for clip in clips if clip.label and clip.corpus in names)
        if counts and corpus.loading.balance:
            raise ConfigError(
                f"`label_balance` is {self.label_balance:g} and `loading.balance` "
                f"{corpus.loading.balance:g}: rare labels would count twice; leave one out."
            )
        if not counts:
            raise ConfigError(
                f"`label_balance` is {self.label_balance:g}, but no training clip has a label; "
                "leave it out."
            )
        return label_weights(counts, self.label_balance)

    def clip_weights(self, batch: Batch) -> Tensor:
        """Return what the advantages of each clip weigh. ``[B, 1]``."""
        weights = [self._label_weights.get(clip.label or "", 1.0) for clip in batch.clips]
        return torch.tensor(weights, device=self.device).unsqueeze(1)

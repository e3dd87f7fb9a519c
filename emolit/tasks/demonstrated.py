"""Gold replies beside sampled ones: scored on the same prefill, and mixed into the loss."""

from abc import ABC

import torch
from torch import Tensor, nn

from emolit.demonstrations import Demonstrations, Gold
from emolit.objectives import Objective
from emolit.objectives.over_options import OptionObjective
from emolit.rl.groups import join_replies
from emolit.tasks.rollout_log import RolloutLogTask
from emolit.types import Outcome, Rollout, ScoredRollout


class DemonstratedTask(RolloutLogTask, ABC):
    """A task whose updates may learn from gold replies too.

    Attributes:
        objective: The loss of a scored rollout.
        demonstrations: What gold replies do; None leaves them out.
    """

    objective: Objective | OptionObjective
    demonstrations: Demonstrations | None

    def score_update(self, rollout: Rollout) -> tuple[Tensor, Gold | None]:
        """Score responses and, where they take part, gold replies, in one pass.

        Returns:
            Log-probabilities of the responses, differentiable. ``[B, G, T]``
            The gold replies, or None.
        """
        if self.demonstrations is None:
            return self.policy.logprobs(rollout), None
        told = self.policy.encode_targets(rollout.batch)
        logprobs = self.policy.logprobs(join_replies(rollout, told))
        group, length = rollout.tokens.shape[1:]
        mask = told.mask[:, 0]
        replies, tokens = self.mean_count(torch.stack([mask.any(-1).sum(), mask.sum()]))
        gold = Gold(logprobs[:, group, : mask.shape[1]], mask, replies, tokens)
        return logprobs[:, :group, :length], gold

    def compute_loss(self, logprobs: Tensor, gold: Gold | None, scored: ScoredRollout) -> Outcome:
        """Return the loss of the objective, mixed with what gold replies teach."""
        if self.demonstrations is None or gold is None:
            outcome: Outcome = self.objective(logprobs, scored)
            return outcome
        outcome = self.objective(logprobs, self.demonstrations.select(scored))
        mixed = self.demonstrations.combine(outcome.loss, gold, scored)
        return Outcome(mixed.loss, {**outcome.stats, **mixed.stats})

    @property
    def joins_gold(self) -> bool:
        """Whether gold replies are rewarded and join their groups."""
        return self.demonstrations is not None and self.demonstrations.in_group

    def pad_penalty(self, penalty: Tensor) -> Tensor:
        """Return the penalty ``[B, G]`` with 0 for a gold reply that joins. ``[B, G + 1]``."""
        return nn.functional.pad(penalty, (0, 1)) if self.joins_gold else penalty

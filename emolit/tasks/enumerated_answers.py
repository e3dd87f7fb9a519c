"""Sampled thoughts, weighed answers: a policy gradient without the noise of the last word.

A response of a prompt with thinking is a thought h and an answer. Sampling estimates the expected
reward of both. Here G thoughts are sampled, and behind each the K answers are weighed exactly
(Rao-Blackwell)::

    V(h) = sum over k of p(k | h) R(h, k)
    loss = - mean over thoughts of ( A log p(h) + V(h) ),   A = advantage of V(h) in its group

The gradient is that of the expected reward, as with sampled answers, with less variance. Everything
else that could be said behind a thought is worth 0. A response that has no answer tag, or whose
tokens are not those of its text, counts as a thought as a whole, with its own reward.

With a `power` below 1, V is (V^power - 1) / power in both terms, as `ExpectedReward` has it: a
thought behind which the right answer is still unlikely weighs more, as in imitation.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from emolit.advantages import Advantage, leave_one_out
from emolit.errors import ConfigError, RewardError
from emolit.evaluators import Evaluator
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.rewards import Reward
from emolit.rl.functional import masked_sum
from emolit.rl.groups import join_replies
from emolit.rollouts import RolloutEngine
from emolit.rollouts.eager import Eager
from emolit.seed import run_seed
from emolit.tasks.base import check_finite
from emolit.tasks.old_logprobs import recompute_old_logprobs
from emolit.tasks.resumable import OptimizerFactory, SchedulerFactory
from emolit.tasks.rewarded import RewardedTask
from emolit.tasks.totals import hold_rewards, weighted_sum
from emolit.types import Batch, Rollout, Sampling, ScoredRollout

LEAST = 1e-6
"""Of V under a power: its slope has no end at 0."""


@dataclass(frozen=True)
class Listed:
    """The answers behind the thoughts of a rollout.

    Attributes:
        rollout: For each thought a reply an option, without tokens where nothing could be listed.
            ``[B, G * K, T]``
        thoughts: Leading tokens that the replies of a thought share with its response; all of them
            where nothing could be listed. ``[B, G]``
        listed: True where the answers behind a thought could be listed. ``[B, G]``
    """

    rollout: Rollout
    thoughts: Tensor
    listed: Tensor


class EnumeratedAnswersFinetuning(RewardedTask):
    """Learn from rewards by sampled thoughts and all answers behind each.

    A thought is scored once, and each answer behind it, so a step scores the K answers more than
    GRPO does and samples the same. One update a rollout, no KL.

    Args:
        policy: The model that answers.
        rewards: What a response is worth, each under its own name.
        optimizer: Any torch optimizer.
        evaluator: Turns answers into scores.
        advantage: Any function ``[B, G] -> [B, G]`` of V, on the scale of rewards as
            `leave_one_out` is: the other term of the loss has that scale.
        group_size: G, thoughts a prompt.
        scheduler: Any torch scheduler, stepped once an optimizer step.
        prompt: Linked from the root of the config; do not set it here.
        sampling: How responses are drawn, from all tokens: top-p and top-k are refused.
        rollouts: Who samples the thoughts, such as `VLLMServer`; None is the policy itself.
        power: 1 is the expected reward; above 0, since V is 0 where a thought comes to no answer.
            Below 1 rewards must not be below 0; a V below 1e-6 counts as that.

    Raises:
        ConfigError: Sampling leaves tokens out, or `power` is not in (0, 1].
    """

    def __init__(
        self,
        policy: Policy,
        rewards: list[Reward],
        optimizer: OptimizerFactory,
        evaluator: Evaluator,
        advantage: Callable[[Tensor], Tensor] | Advantage = leave_one_out,
        group_size: int = 8,
        scheduler: SchedulerFactory | None = None,
        prompt: Prompt | None = None,
        sampling: Sampling = Sampling(),
        rollouts: RolloutEngine | None = None,
        power: float = 1.0,
    ) -> None:
        super().__init__(policy, optimizer, scheduler, evaluator, prompt, sampling)
        if not 0 < power <= 1:
            raise ConfigError(
                f"`power` of EnumeratedAnswersFinetuning is {power:g}; choose 1, the expected "
                "reward, or less, but above 0."
            )
        if sampling.truncated or sampling.temperature == 0:
            raise ConfigError(
                f"`sampling` has temperature {sampling.temperature:g}, top_p {sampling.top_p:g}, "
                f"top_k {sampling.top_k}; answers are weighed among all tokens: choose a "
                "temperature above 0, top_p 1 and top_k 0."
            )
        self.rewards = hold_rewards(rewards)
        self.advantage = advantage
        self.group_size = group_size
        self.power = power
        self.demonstrations = None
        self.rollouts = rollouts or Eager()
        self.rollouts.check(policy, sampling)

    @property
    def breaks_groups(self) -> str:
        """All answers are rewarded, and one of them was sampled."""
        return "`EnumeratedAnswersFinetuning`"

    def list_answers(self, rollout: Rollout) -> Listed:
        """Return the replies that say each option behind each thought.

        Raises:
            ConfigError: The questions have no closed options.
        """
        options, prompt = self.closed_options(rollout.batch), self.require_prompt()
        replies = tuple(
            tuple(
                prompt.instead(clip, response, option) for response in group for option in options
            )
            for clip, group in zip(rollout.batch.clips, rollout.responses, strict=True)
        )
        told = self.policy.encode_responses(rollout.batch, replies, rollout.sampling)
        tagged = torch.tensor([["<answer>" in text for text in g] for g in rollout.responses])
        thoughts, common = shared_tokens(rollout, told, len(options))
        listed = tagged.to(thoughts.device) & (thoughts == common)  # else told other tokens
        lengths = rollout.mask.sum(-1)
        known = listed.repeat_interleave(len(options), dim=1).unsqueeze(-1)
        told = replace(told, mask=told.mask & known)
        return Listed(told, torch.where(listed, thoughts, lengths), listed)

    def training_step(self, batch: Batch, batch_idx: int) -> dict[str, Any]:
        """Sample thoughts, weigh answers, and return the loss with the rollout for callbacks."""
        started = time.perf_counter()
        with torch.no_grad():  # what scores below takes no prefill of the rollout's
            drawn = self.draw(batch, self.group_size, self.sampling, run_seed())
        rollout = replace(self.parse_responses(drawn), progress=self.progress())
        answers = self.list_answers(rollout)
        whole = self.parse_responses(join_replies(rollout, answers.rollout))
        whole = replace(whole, progress=rollout.progress)
        rewards = self.compute_rewards(whole)
        total = weighted_sum(self.rewards, rewards, rollout.progress)
        mine, said = self.policy.branch_logprobs(rollout, answers.rollout, answers.thoughts)
        values = self.weigh(said, total, answers)
        gains = self.gain(values)
        scored = self._score(rollout, rewards, total, gains)
        thought = torch.arange(mine.shape[-1], device=mine.device)
        told = recompute_old_logprobs(scored, mine.detach(), None)
        self.check_gap(told)
        spoken = masked_sum(mine, thought < answers.thoughts.unsqueeze(-1), dim=-1)
        known = ~values.isnan()
        exact = torch.where(answers.listed & known, gains, 0.0)
        loss = -masked_sum(scored.advantages * spoken + exact, known) / scored.response_count
        check_finite(loss, batch)
        stats = {"listed": answers.listed.float().mean(), "value": values.detach().nanmean()}
        self.log_rollout(scored, told, loss, stats, started)
        return {"loss": loss, "scored": scored}

    def weigh(self, logprobs: Tensor, total: Tensor, answers: Listed) -> Tensor:
        """Return V of each thought; the response's own reward where nothing is listed. ``[B, G]``.

        NaN where a reward that it is made of is missing.

        Args:
            logprobs: Of the replies, differentiable. ``[B, G * K, T]``
            total: What responses and replies are worth. ``[B, G + G * K]``
            answers: The replies.
        """
        group, (clips, every, length) = self.group_size, logprobs.shape
        shape = (clips, group, every // group)
        place = torch.arange(length, device=logprobs.device)
        behind = place >= answers.thoughts.repeat_interleave(shape[2], dim=1).unsqueeze(-1)
        said = masked_sum(logprobs, answers.rollout.mask & behind, dim=-1).view(shape).exp()
        worth = total[:, group:].view(shape)
        exact = (said * worth.nan_to_num()).sum(-1).masked_fill(worth.isnan().any(-1), torch.nan)
        return torch.where(answers.listed, exact, total[:, :group])

    def gain(self, values: Tensor) -> Tensor:
        """Return what a thought of V gains. ``[B, G]`` -> ``[B, G]``.

        Raises:
            RewardError: A V is below 0, and `power` is not 1.
        """
        if self.power == 1:
            return values
        least = values.detach().nan_to_num().min().item()
        if least < 0:
            raise RewardError(
                f"The answers behind a thought are worth {least:g}, and `power: {self.power:g}` "
                "needs rewards of 0 or more. Choose others, or `power: 1`."
            )
        return (values.clamp(min=LEAST) ** self.power - 1) / self.power

    def _score(
        self, rollout: Rollout, rewards: dict[str, Tensor], total: Tensor, gains: Tensor
    ) -> ScoredRollout:
        """Return the sampled responses with their rewards, and the advantages of the gains."""
        group = self.group_size
        mine: Any = gains.detach()
        everyone: Any = self.all_gather(mine) if self.processes > 1 else mine.unsqueeze(0)
        advantages = self.advantage(everyone.flatten(0, 1)).view(self.processes, *gains.shape)
        drawn = {name: reward[:, :group] for name, reward in rewards.items()}
        known = ~gains.isnan()
        counts = self.mean_count(torch.stack([known.sum(), rollout.mask.sum()]))
        return ScoredRollout(
            rollout,
            drawn,
            total[:, :group].masked_fill(~known, torch.nan),
            advantages[self.global_rank],
            responses=counts[0],
            tokens=counts[1],
        )


def shared_tokens(rollout: Rollout, told: Rollout, options: int) -> tuple[Tensor, Tensor]:
    """Return how many leading tokens a response and all its replies share. Twice ``[B, G]``.

    The second number is that of its replies alone. They are equal where the response has the very
    tokens that its text is told with.

    Args:
        rollout: Responses. ``[B, G, T]``
        told: Replies, so many a response. ``[B, G * K, T']``
        options: K.
    """
    clips, group, _ = rollout.tokens.shape
    length = min(rollout.tokens.shape[2], told.tokens.shape[2])
    theirs = told.tokens[..., :length].view(clips, group, options, length)
    real = told.mask[..., :length].view(clips, group, options, length).all(2)
    alike = (theirs == theirs[:, :, :1]).all(2) & real
    same = rollout.tokens[..., :length] == theirs[:, :, 0]
    shared = alike & same & rollout.mask[..., :length]
    return shared.long().cumprod(-1).sum(-1), alike.long().cumprod(-1).sum(-1)

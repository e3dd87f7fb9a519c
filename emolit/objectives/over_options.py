"""The contract of an objective over all options of closed questions, and what such are made of."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from emolit.errors import RewardError
from emolit.rl.functional import masked_sum
from emolit.types import Outcome, ScoredRollout


class OptionObjective(nn.Module, ABC):
    """Turns the log-probabilities of all options' replies into one loss.

    Args:
        renormalize: Take p over the options alone, as if nothing else could be said.
    """

    def __init__(self, renormalize: bool = False) -> None:
        super().__init__()
        self.renormalize = renormalize

    @abstractmethod
    def forward(self, logprobs: Tensor, scored: ScoredRollout) -> Outcome:
        """Return the loss.

        Args:
            logprobs: Of the tokens of K replies under the policy, differentiable. ``[B, K, T]``
            scored: The replies with their rewards.
        """


def option_logs(logprobs: Tensor, mask: Tensor, renormalize: bool) -> Tensor:
    """Return the log-probability of each option's reply. ``[B, K, T]`` -> ``[B, K]``."""
    logs = masked_sum(logprobs, mask, dim=-1)
    return logs.log_softmax(-1) if renormalize else logs


def mean_over_clips(values: Tensor, scored: ScoredRollout) -> Tensor:
    """Average ``[B]`` over the clips of all processes whose options all have a reward."""
    known = ~scored.total.isnan().any(1)
    return masked_sum(values, known) / (scored.response_count / scored.rollout.group_size)


def check_worth(scored: ScoredRollout) -> None:
    """Refuse rewards that have no logarithm.

    Raises:
        RewardError: One is below 0, or all of a clip's are 0.
    """
    known = ~scored.total.isnan().any(1, keepdim=True)
    below = (known & (scored.total < 0)).any(1).nonzero().flatten().tolist()
    if below:
        raise RewardError(
            f"An option earns {scored.total[below[0]].min().item():g}{_where(scored, below[0])}; "
            "this objective needs rewards of 0 or more. Choose others, or `ExpectedReward` with "
            "`power: 1`."
        )
    nothing = (known.squeeze(1) & ~(scored.total > 0).any(1)).nonzero().flatten().tolist()
    if nothing:
        raise RewardError(
            f"No option earns anything{_where(scored, nothing[0])}, and this objective needs one "
            "that does. Choose other rewards, or `ExpectedReward` with `power: 1`."
        )


def _where(scored: ScoredRollout, row: int) -> str:
    """Return which clip a row is of, where that is known."""
    clips = scored.rollout.batch.clips
    return f" on the clip {clips[row].id!r} of {clips[row].corpus!r}" if clips else ""

"""Reward for a group of answers that is as divided as the raters were."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from emolit.metrics.soft_labels import jensen_shannon, shares
from emolit.rewards.base import BatchedReward
from emolit.types import Answer, Rollout


class VoteMatch(BatchedReward):
    """What each response does for the match of its group with the votes (ours).

    The match is 1 less the Jensen-Shannon divergence, in bits, between the answers of a group and
    the votes of the raters. It is one number a group, from which no response could learn. Here a
    response is worth the match of the whole group less that of the group without it, times G. An
    answer that the group lacks earns, one that it gives too often costs.

    An unreadable answer is one that no rater gave. The reward does not apply to clips without
    votes, and a group of one is worth its match.

    Example:
        Of 3 raters 2 said sad and 1 angry; the third answer mends what the first two leave out.

        >>> votes = {"sad": 2, "angry": 1}
        >>> [round(value, 3) for value in worths(["sad", "sad", "angry"], votes)]
        [0.062, 0.062, 0.573]
    """

    compares = True

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        rows = [
            worths(group, clip.votes) if sum(clip.votes.values()) else [float("nan")] * len(group)
            for clip, group in zip(rollout.batch.clips, rollout.answers, strict=True)
        ]
        return torch.tensor(rows, dtype=torch.float32)


def worths(answers: Sequence[Answer | None], votes: Mapping[str, int]) -> list[float]:
    """Return what each answer of a group is worth."""
    said = [answer if isinstance(answer, str) else None for answer in answers]
    names = [*dict.fromkeys([*votes, *said])]
    whole = torch.tensor([[said.count(name) for name in names]])
    rated = shares(torch.tensor([[votes.get(str(name), 0) if name else 0 for name in names]]))
    match = 1 - jensen_shannon(shares(whole), rated)
    if len(said) == 1:
        return [match.item()]
    place = torch.tensor([names.index(answer) for answer in said])
    without = whole - torch.eye(len(names), dtype=whole.dtype)[place]
    gains = match - 1 + jensen_shannon(shares(without), rated)
    return (len(said) * gains).tolist()

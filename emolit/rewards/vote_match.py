"""Reward for a group of answers that is as divided as the raters were."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log2

import torch
from torch import Tensor

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
            worths(group, clip.votes) if clip.votes else [float("nan")] * len(group)
            for clip, group in zip(rollout.batch.clips, rollout.answers, strict=True)
        ]
        return torch.tensor(rows, dtype=torch.float32)


Votes = Mapping[str | None, int]
"""How often each answer was given; None is an unreadable one."""


def worths(answers: Sequence[Answer | None], votes: Mapping[str, int]) -> list[float]:
    """Return what each answer of a group is worth."""
    said = [answer if isinstance(answer, str) else None for answer in answers]
    whole, rated = Counter(said), Counter[str | None](votes)
    match = 1 - divergence(whole, rated)
    if len(said) == 1:
        return [match]
    without = {answer: 1 - divergence(whole - Counter([answer]), rated) for answer in whole}
    return [len(said) * (match - without[answer]) for answer in said]


def divergence(first: Votes, second: Votes) -> float:
    """Return the Jensen-Shannon divergence of two counts as distributions, in bits, 0 to 1.

    Example:
        >>> divergence({"sad": 1}, {"sad": 5}), divergence({"sad": 1}, {"angry": 2})
        (0.0, 1.0)
    """
    bits, totals = 0.0, (sum(first.values()), sum(second.values()))
    for name in {*first, *second}:
        p, q = first.get(name, 0) / totals[0], second.get(name, 0) / totals[1]
        bits += sum(part / 2 * log2(2 * part / (p + q)) for part in (p, q) if part)
    return bits

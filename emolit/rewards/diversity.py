"""Reward for saying what the other responses of a group do not say."""

from collections import Counter

import torch
from torch import Tensor

from emolit.errors import ConfigError
from emolit.rewards.base import BatchedReward, Weight
from emolit.text.tokenizer import ngrams, tokenizer
from emolit.text.words import text_of
from emolit.types import Rollout


class Diversity(BatchedReward):
    """Each response's part in the Distinct-n of its group (ours).

    Distinct-n is one number a group, from which no response could learn. Here an n-gram that stands
    c times in the group is worth 1/c wherever it stands, and a response is worth the mean over its
    n-grams: 1 if no other says anything of it, 1/G if all G say the same. Weighted by length, the
    mean over the group is its Distinct-n.

    An unreadable answer, and one shorter than n, is worth 0. Alone it rewards babble: it needs
    another reward beside it.

    Args:
        order: n, tokens in an n-gram.
        tokenizer: How texts become tokens (`emolit.text.tokenizer`).
        weight: Factor in the total.
        name: Key in logs and predictions.

    Raises:
        ConfigError: ``order`` is less than 1.
    """

    compares = True

    def __init__(
        self,
        order: int = 2,
        tokenizer: str = "zh-char",
        weight: Weight = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(weight, name)
        if order < 1:
            raise ConfigError(f"The reward {self.name!r} has order {order}; choose at least 1.")
        self.order = order
        self.tokenizer = tokenizer

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        split = tokenizer(self.tokenizer)
        rows = [
            rarities([ngrams(split(text_of(answer)), self.order) for answer in group])
            for group in rollout.answers
        ]
        return torch.tensor(rows, dtype=torch.float32)


def rarities(group: list[Counter[tuple[str, ...]]]) -> list[float]:
    """Return the mean of 1/c over the n-grams of each response.

    Example:
        >>> rarities([Counter("ab"), Counter("ac")])
        [0.75, 0.75]
    """
    counts: Counter[tuple[str, ...]] = sum(group, Counter())
    return [
        sum(n / counts[gram] for gram, n in said.items()) / max(1, said.total()) for said in group
    ]

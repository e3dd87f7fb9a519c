"""The list of emotion words that earns most if it is said of every clip: the floor of a table."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from emolit.affect.lexicon import Lexicon
from emolit.affect.taxonomy import Taxonomy
from emolit.affect.wheel_score import WheelScore
from emolit.errors import PolicyError
from emolit.policies.estimator import Estimator
from emolit.types import Batch


class ConstantList(Estimator):
    """Answers every clip with one list; it hears nothing. For prompts of open words.

    The list has the greatest mean F1 on emotion wheels over the training clips
    (`emolit.affect.wheel_score`, unknown words wrong) among all of its length that can be made of
    frequent gold words; of several the one with the most frequent words.

    Args:
        checkpoint: A folder that training wrote; None looks for a list anew.
        taxonomy: Linked by the command line, do not set it here; words need no labels.
        words: How many words the list has; None takes 2.
        candidates: How many of the most frequent gold words may stand in it; None takes 30.
        lexicon: Groups the words; None takes `PackagedLexicon`.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        taxonomy: Taxonomy | None = None,
        words: int | None = None,
        candidates: int | None = None,
        lexicon: Lexicon | None = None,
    ) -> None:
        super().__init__(checkpoint, taxonomy)
        self.words = words
        self.candidates = candidates
        self.score = WheelScore(lexicon, unknown="wrong")
        self._golds: dict[tuple[str, ...], int] = {}

    def new_settings(self) -> dict[str, Any]:
        """Return how many words the list has, and out of how many it was chosen."""
        return {
            "words": 2 if self.words is None else self.words,
            "candidates": 30 if self.candidates is None else self.candidates,
        }

    def asked_settings(self) -> dict[str, Any]:
        """Return how many words are asked for, and out of how many."""
        return {"words": self.words, "candidates": self.candidates}

    def new_labels(self) -> tuple[str, ...]:
        """Return the list as it is before the fit: empty."""
        return ("",)

    def make(self, seed: int) -> None:
        """Make nothing: a list has no weights."""

    def offered(self, batch: Batch) -> list[bool]:
        """Return that the list may be said, whatever labels the data have."""
        return [True]

    def measure(self, batch: Batch) -> Tensor:
        """Return nothing of each clip. ``[B, 0]``."""
        return torch.empty(len(batch), 0)

    def truths(self, batch: Batch) -> Tensor:
        """Return a number for the gold words of each clip. ``[B]`` int64."""
        golds = (clip.emotions for clip in batch.clips)
        return torch.tensor([self._golds.setdefault(gold, len(self._golds)) for gold in golds])

    def fit(self, features: Tensor, labels: Tensor) -> None:
        """Look for the list.

        Raises:
            PolicyError: No gold word is on any wheel, or there are fewer words than it shall have.
        """
        golds = [*self._golds]
        said = [golds[index] for index in labels.tolist()]
        counts = Counter(said)
        scored = {gold: n for gold, n in counts.items() if self.score(gold, gold) is not None}
        frequent = Counter(word for gold in said for word in gold)
        length, most = self.settings["words"], self.settings["candidates"]
        names = sorted(frequent, key=lambda word: (-frequent[word], word))[: max(most, 0)]
        if not scored or not 1 <= length <= len(names):
            raise PolicyError(
                f"ConstantList looks for {length} of {len(names)} gold words, and {len(scored)} of "
                f"{len(counts)} gold lists are on a wheel; set `words` from 1 to that number, and "
                "take a corpus with emotion words."
            )

        def earned(words: Iterable[str]) -> float:
            return sum(n * (self.score(words, gold) or 0.0) for gold, n in scored.items())

        self.labels = (", ".join(max(combinations(names, length), key=earned)),)

    def predict(self, features: Tensor) -> Tensor:
        """Return that the list is sure, for every clip. ``[N, 1]``."""
        return torch.zeros(len(features), 1)

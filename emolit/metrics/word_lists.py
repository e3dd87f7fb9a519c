"""What stands beside a wheel score: lengths of lists, known words, words met exactly."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from emolit.affect.lexicon import Lexicon, match
from emolit.metrics.wheel_f1 import set_scores

COUNTED = ("length", "gold_length", "words", "gold_words", "known", "gold_known")


class WordLists(Metric):
    """Lists of words by themselves.

    Its value holds ``length`` and ``gold_length``, mean numbers of words as listed; ``known`` and
    ``gold_known``, shares of distinct words of a sample that the lexicon knows; and ``exact_F1``,
    like the F of a wheel on which every word is a group of its own; and ``parse_rate``, the share
    of predictions that could be read.

    Args:
        lexicon: Knows words.

    Attributes:
        counts: Words as listed, distinct and known ones, of predictions and gold. ``[6]`` int64
        sums: Precision and recall of words met exactly, added up. ``[2]`` float64
        kept: Samples with gold words. ``[]`` int64
        n: All samples, and those whose prediction could be read. ``[2]`` int64
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better: bool | None = None
    counts: Tensor
    sums: Tensor
    kept: Tensor
    n: Tensor

    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__()
        self.lexicon = lexicon
        for name, zero in (
            ("counts", torch.zeros(len(COUNTED), dtype=torch.int64)),
            ("sums", torch.zeros(2, dtype=torch.float64)),
            ("kept", torch.tensor(0)),
            ("n", torch.zeros(2, dtype=torch.int64)),
        ):
            self.add_state(name, zero, dist_reduce_fx="sum")

    def update(
        self, predictions: Sequence[Sequence[str] | None], golds: Sequence[Sequence[str]]
    ) -> None:
        """Take the words of N samples; None is a prediction that could not be read."""
        for answer, gold in zip(predictions, golds, strict=True):
            predicted = answer or ()
            given, wanted = _distinct(predicted), _distinct(gold)
            known = [len(self.lexicon.rows(words)[0]) for words in (given, wanted)]
            sizes = [len(predicted), len(gold), len(given), len(wanted), *known]
            self.counts += torch.tensor(sizes, device=self.counts.device)
            found = match(wanted, given)
            if found is not None:
                self.sums += self.sums.new_tensor([found.precision, found.recall])
                self.kept += 1
            self.n += self.n.new_tensor([1, answer is not None])

    def compute(self) -> dict[str, Tensor]:
        """Return every number as a float64 scalar, NaN where there is nothing to divide by."""
        counts = dict(zip(COUNTED, self.counts.double().unbind(), strict=True))
        return {
            "length": counts["length"] / self.n[0],
            "gold_length": counts["gold_length"] / self.n[0],
            "known": counts["known"] / counts["words"],
            "gold_known": counts["gold_known"] / counts["gold_words"],
            "parse_rate": self.n[1] / self.n[0].double(),
            "exact_F1": set_scores(self.sums[None], self.kept[None])[0, 2],
        }


def _distinct(words: Sequence[str]) -> frozenset[str]:
    return frozenset(word.lower().strip() for word in words)

"""Precision, recall and F of sets of emotion words on emotion wheels (OV-MER, AffectGPT).

Words become groups of a wheel, lists become sets. P and R are means over the samples whose gold
set has a group on the wheel; F is their harmonic mean, not the mean of the F of samples; scores
are averaged over wheels (https://arxiv.org/abs/2410.01495, https://arxiv.org/abs/2501.16566).

The released scorers differ from each other and from ours where there is nothing to divide by and
in words that nobody knows; each choice is an argument. Parity with the release of 2025 is
``unknown="free", no_hit="nan", no_sample="nan"``, with that of 2026 ``"free", "zero", "zero"``.
"""

import warnings
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torchmetrics import Metric

from emolit.affect.lexicon import Lexicon, Match, matches

Unknown = Literal["wrong", "free"]
Undefined = Literal["zero", "nan"]
Words = Sequence[str]


def harmonic(precision: Tensor, recall: Tensor, no_hit: Undefined = "zero") -> Tensor:
    """Return ``2PR / (P + R)``; ``no_hit`` says what it is where both are 0.

    Example:
        >>> harmonic(torch.tensor([1.0, 0.0]), torch.tensor([0.5, 0.0])).tolist()
        [0.6666666865348816, 0.0]
    """
    total = precision + recall
    score = 2 * precision * recall / total
    return score if no_hit == "nan" else score.masked_fill(total == 0, 0.0)


def set_scores(
    sums: Tensor, kept: Tensor, no_hit: Undefined = "zero", no_sample: Undefined = "nan"
) -> Tensor:
    """Return precision, recall and F of each column.

    Args:
        sums: Precision and recall of the samples kept, added up. ``[C, 2]``
        kept: Number of samples kept. ``[C]``
        no_hit: F where precision and recall are 0.
        no_sample: All three where no sample is kept.

    Returns:
        ``[C, 3]`` float64
    """
    means = sums.double() / kept.unsqueeze(-1)
    combined = harmonic(means[..., 0], means[..., 1], no_hit)
    scores = torch.cat([means, combined.unsqueeze(-1)], dim=-1)
    nobody = (kept == 0).unsqueeze(-1)
    return scores.masked_fill(nobody, torch.nan if no_sample == "nan" else 0.0)


class WheelF1(Metric):
    """Wheel scores of word lists.

    Its value holds ``n``, the number of samples; averaged over wheels ``precision``, ``recall``
    and ``F1`` in ring 1, the same with ``_ring2`` in ring 2, and ``F1_rings``, the mean of both F
    (MER2025 prints all three);
    ``sample_F1``, the mean over samples of the F of single samples in ring 1, which is a reward,
    not a published score; each of ``F1``, ``F1_ring2``, ``left_out`` (share of samples without a
    gold group), ``groups`` and ``gold_groups`` (mean sizes of the sets, ring 1) by wheel, as
    ``<score>/<wheel>``; and ``F1_<column>`` of columns that are no wheels, such as ``F1_case1``.

    Args:
        lexicon: Groups the words.
        wheels: Names of the wheels that count; None takes all.
        unknown: Whether predicted words that the lexicon does not know count as ``wrong`` answers
            or are ``free``.
        no_hit: F where precision and recall are 0.
        no_sample: The scores of a wheel on which no gold word has a group; NaN comes with a
            warning.

    Attributes:
        sums: Precision, recall, F and sizes of predicted and gold set of the samples kept, added
            up by column. ``[C, 5]`` float64
        kept: Samples with a gold group, by column. ``[C]`` int64
        sample_sum: F of single samples in ring 1, averaged over the wheels that keep them, added
            up. ``[]`` float64
        sample_kept: Samples that some wheel keeps in ring 1. ``[]`` int64
        n: All samples. ``[]`` int64
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = True
    sums: Tensor
    kept: Tensor
    sample_sum: Tensor
    sample_kept: Tensor
    n: Tensor

    def __init__(
        self,
        lexicon: Lexicon,
        wheels: Sequence[str] | None = None,
        unknown: Unknown = "wrong",
        no_hit: Undefined = "zero",
        no_sample: Undefined = "nan",
    ) -> None:
        super().__init__()
        self.lexicon = lexicon
        self.wheels = lexicon.wheels if wheels is None else tuple(wheels)
        self.rings = tuple(lexicon.places(self.wheels, ring) for ring in (1, 2))
        self.unknown = unknown
        self.no_hit = no_hit
        self.no_sample = no_sample
        size = len(lexicon.columns)
        for name, zero in (
            ("sums", torch.zeros(size, len(Match._fields), dtype=torch.float64)),
            ("kept", torch.zeros(size, dtype=torch.int64)),
            ("sample_sum", torch.tensor(0.0, dtype=torch.float64)),
            ("sample_kept", torch.tensor(0)),
            ("n", torch.tensor(0)),
        ):
            self.add_state(name, zero, dist_reduce_fx="sum")

    def update(self, predictions: Sequence[Words], golds: Sequence[Words]) -> None:
        """Take the words of N samples; a prediction that could not be read is an empty list.

        Raises:
            ValueError: There are more or fewer predictions than golds.
        """
        if len(predictions) != len(golds):
            raise ValueError(
                f"There are {len(predictions)} predictions for {len(golds)} samples; give every "
                "sample one, an empty list where there is none."
            )
        size = len(self.lexicon.columns)
        sums = [[0.0] * len(Match._fields) for _ in range(size)]
        kept, samples = [0] * size, []
        for predicted, gold in zip(predictions, golds, strict=True):
            found = self._matches(predicted, gold)
            for column, one in enumerate(found):
                if one is not None:
                    sums[column] = [a + b for a, b in zip(sums[column], one, strict=True)]
                    kept[column] += 1
            first = [one.f1 for column in self.rings[0] if (one := found[column]) is not None]
            samples += [sum(first) / len(first)] if first else []
        self.sums += torch.tensor(sums, dtype=torch.float64, device=self.sums.device)
        self.kept += torch.tensor(kept, device=self.kept.device)
        self.sample_sum += sum(samples)
        self.sample_kept += len(samples)
        self.n += len(golds)

    def compute(self) -> dict[str, Tensor]:
        """Return every score as a float64 scalar, NaN before any sample."""
        self._warn()
        values = set_scores(self.sums[:, :2], self.kept, self.no_hit, self.no_sample)
        found = {"n": self.n.double()}
        for suffix, columns in zip(("", "_ring2"), self.rings, strict=True):
            means = values[list(columns)].mean(0)
            for name, mean in zip(("precision", "recall", "F1"), means, strict=True):
                found[name + suffix] = mean
        found["F1_rings"] = (found["F1"] + found["F1_ring2"]) / 2
        found["sample_F1"] = self.sample_sum / self.sample_kept
        first = len(self.lexicon.columns) - len(self.lexicon.others)
        found |= {f"F1_{name}": values[first + i, 2] for i, name in enumerate(self.lexicon.others)}
        return {**found, **self._by_wheel(values)}

    def _by_wheel(self, values: Tensor) -> dict[str, Tensor]:
        sizes = self.sums[:, 3:] / self.kept.unsqueeze(-1)
        found: dict[str, Tensor] = {}
        for wheel, first, second in zip(self.wheels, *self.rings, strict=True):
            found |= {
                f"F1/{wheel}": values[first, 2],
                f"F1_ring2/{wheel}": values[second, 2],
                f"left_out/{wheel}": 1 - self.kept[first] / self.n.double(),
                f"groups/{wheel}": sizes[first, 0],
                f"gold_groups/{wheel}": sizes[first, 1],
            }
        return found

    def _matches(self, predicted: Words, gold: Words) -> list[Match | None]:
        wanted, _ = self.lexicon.rows(gold)
        given, strange = self.lexicon.rows(predicted)
        wrong = strange if self.unknown == "wrong" else 0
        return matches(wanted, given, range(len(self.lexicon.columns)), wrong)

    def _warn(self) -> None:
        """Say why scores are NaN."""
        kept = dict(zip(self.wheels, self.kept[list(self.rings[0])].tolist(), strict=True))
        nobody = [wheel for wheel, count in kept.items() if not count]
        if nobody and self.n and self.no_sample == "nan":
            warnings.warn(
                f"None of the {int(self.n)} samples has a gold word with a group on {nobody}, so "
                "their scores, and the average over wheels, are NaN; leave these wheels out, or "
                "look at the gold words.",
                stacklevel=2,
            )

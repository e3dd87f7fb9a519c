"""Hit rate: does a list of emotion words meet the one label of a clip on an emotion wheel?

AffectGPT (https://arxiv.org/abs/2501.16566) scores closed corpora so: a sample counts on a wheel
if its label has a group in ring 1, and is hit if that group is among those of the predicted words.
Scores are averaged over wheels. A longer list can only raise the hit rate; ``mscore`` divides a
hit by how many groups of the corpus's labels the list names.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from emolit.affect.lexicon import NEUTRAL, Lexicon, groups


def hit_rates(wanted: Tensor, given: Tensor) -> Tensor:
    """Return hit rate and mscore of each wheel.

    Args:
        wanted: The group of each sample's label as one bit, 0 where it has none. ``[N, W]`` int64
        given: The groups of its predicted words, a bit each. ``[N, W]`` int64

    Returns:
        ``[W, 2]`` float64, NaN for a wheel on which no label has a group.
    """
    scores = []
    for label, words in zip(wanted.unbind(1), given.unbind(1), strict=True):
        kept = label != 0
        labels = sum(set(label.tolist()))
        named = torch.tensor([bits.bit_count() for bits in (words & labels)[kept].tolist()])
        hit = ((words & label) != 0)[kept].double().cpu()
        scores.append(torch.stack([hit.mean(), (hit / named.clamp(min=1)).mean()]))
    return torch.stack(scores)


def hit_or_not(lexicon: Lexicon, words: Sequence[str], gold: Sequence[str]) -> dict[str, bool]:
    """Tell for each wheel whether predicted and gold words share a group, for filtering data.

    As in AffectGPT's filter a list without words means neutral, and so does "neutral" itself,
    written exactly so; other words count in ring 1.
    """
    rows = [lexicon.rows(each)[0] for each in (words, gold)]
    neutral = [NEUTRAL in each or not each for each in (words, gold)]
    return {
        wheel: all(neutral) or bool(groups(rows[0], column) & groups(rows[1], column))
        for wheel, column in zip(lexicon.wheels, lexicon.places(), strict=True)
    }


class HitRate(Metric):
    """Hit rate and mscore of word lists against one label each.

    Its value holds ``labeled``, the number of samples; ``hit_rate`` and ``mscore``, averaged over
    wheels; and ``hit_rate/<wheel>`` and ``unplaced/<wheel>``, the share of samples whose label has
    no group there.

    Args:
        lexicon: Groups the words, in ring 1.
        wheels: Names of the wheels that count; None takes all.

    Attributes:
        bits: Groups of label and of words by sample and wheel, gathered from all processes.
            ``[N, 2, W]`` int64, in pieces
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = True
    bits: list[Tensor]

    def __init__(self, lexicon: Lexicon, wheels: Sequence[str] | None = None) -> None:
        super().__init__()
        self.lexicon = lexicon
        self.wheels = lexicon.wheels if wheels is None else tuple(wheels)
        self.columns = lexicon.places(self.wheels)
        self.bit = [
            {name: 1 << place for place, name in enumerate(sorted({NEUTRAL, *lexicon.names(c)}))}
            for c in self.columns
        ]
        self.add_state("bits", [], dist_reduce_fx="cat")
        self._keep([])

    def reset(self) -> None:
        """Forget all samples."""
        super().reset()
        self._keep([])

    def update(self, predictions: Sequence[Sequence[str]], labels: Sequence[str]) -> None:
        """Take the words of N samples; a prediction that could not be read is an empty list.

        Raises:
            ValueError: There are more or fewer predictions than labels.
        """
        if len(predictions) != len(labels):
            raise ValueError(
                f"There are {len(predictions)} predictions for {len(labels)} labels; give every "
                "sample one, an empty list where there is none."
            )
        pairs = zip(predictions, labels, strict=True)
        self._keep([[self._bits([label]), self._bits(words)] for words, label in pairs])

    def compute(self) -> dict[str, Tensor]:
        """Return every score as a float64 scalar, NaN where no label has a group."""
        bits = torch.cat(self.bits) if isinstance(self.bits, list) else self.bits
        wanted, given = bits.unbind(1)
        by_wheel = hit_rates(wanted, given)
        means = {"labeled": torch.tensor(float(len(wanted)), dtype=torch.float64)}
        means |= dict(zip(("hit_rate", "mscore"), by_wheel.mean(0), strict=True))
        unplaced = (wanted == 0).double().mean(0)
        for place, wheel in enumerate(self.wheels):
            means |= {f"hit_rate/{wheel}": by_wheel[place, 0], f"unplaced/{wheel}": unplaced[place]}
        return means

    def _bits(self, words: Sequence[str]) -> list[int]:
        """Return the groups of words on each wheel, a bit each."""
        rows, _ = self.lexicon.rows(words)
        return [
            sum(bit[name] for name in groups(rows, column))
            for column, bit in zip(self.columns, self.bit, strict=True)
        ]

    def _keep(self, bits: list[list[list[int]]]) -> None:
        """Add samples; a piece without any keeps processes alike, of which one may see none."""
        shape = (len(bits), 2, len(self.columns))
        self.bits.append(torch.tensor(bits, dtype=torch.int64, device=self.device).reshape(shape))

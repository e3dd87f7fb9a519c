"""Polarity: weighted F1 and accuracy of positive against negative, as in MER-UniBench.

CMU-MOSI, CMU-MOSEI and CH-SIMS give a number, negative below 0. AffectGPT
(https://arxiv.org/abs/2501.16566) leaves out clips at 0 and asks of all others whether answer and
gold are above 0, so that a neutral answer counts as negative.
"""

from collections.abc import Sequence
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection

from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.errors import CorpusError
from emolit.evaluators.base import Evaluator, quiet
from emolit.metrics.accuracy import Accuracy
from emolit.metrics.base import UNREADABLE, CountMetric
from emolit.metrics.per_class import Support
from emolit.metrics.readable import Readable
from emolit.metrics.weighted_f1 import WeightedF1
from emolit.text.words import find_words
from emolit.types import Answer, Clip, Evaluation

Zeros = Literal["out", "positive"]
NAMES = {
    "positive": 1, "negative": -1, "neutral": 0,
    "正面": 1, "积极": 1, "负面": -1, "消极": -1, "中性": 0,
}  # fmt: skip
"""Words that name a polarity."""
SCORES: dict[str, type[CountMetric]] = {
    "weighted_F1": WeightedF1,
    "WA": Accuracy,
    "parse_rate": Readable,
    "support": Support,
}


class Sentiment(Evaluator):
    """Scores whether a clip is positive or negative.

    An answer names a polarity, or emotions: then the majority of its words decides, by the
    pleasantness of the packaged lexicon (ours; AffectGPT asks a language model). Words that say
    neither are neutral. An unreadable answer is wrong.

    Args:
        zeros: What becomes of clips whose gold is 0: ``out``, they are left out and answers must be
            above 0 to be positive (``acc2:non0``, MER-UniBench), or they are ``positive``, and so
            are answers at 0 (``acc2:has0``).
    """

    parts = "per_side"
    headline = ("weighted_F1", "WA", "parse_rate")
    sides = ("negative", "positive")

    def __init__(self, zeros: Zeros = "out") -> None:
        super().__init__()
        self.zeros = zeros
        self.lexicon = PackagedLexicon()

    def build(self) -> nn.Module:
        """Return an empty set of metrics for one corpus."""
        made = {name: score(len(self.sides)) for name, score in SCORES.items()}
        return MetricCollection(dict(made), compute_groups=[list(made)])

    def update(self, evaluation: Evaluation) -> None:
        """Count the answers to one batch, each for the corpus of its clip."""
        golds = [gold_of(clip) for clip in evaluation.batch.clips]
        for clip, answer, gold in zip(
            evaluation.batch.clips, evaluation.answers, golds, strict=True
        ):
            if gold == 0 and self.zeros == "out":
                continue
            said = UNREADABLE if answer is None else self._side(self.polarity(answer))
            pair = [
                torch.tensor([each], device=self.anchor.device) for each in (said, self._side(gold))
            ]
            cast(MetricCollection, self.set_of(clip.corpus)).update(*pair)

    def compute(self) -> dict[str, Tensor]:
        """Return the scores of each corpus."""
        found = {}
        for corpus in self.corpora:
            with quiet():
                values = cast(MetricCollection, self.set_of(corpus)).compute()
            support = values.pop("support")
            found[f"{corpus}/n"] = support.sum()
            found |= {f"{corpus}/{name}": value for name, value in values.items()}
            for side, count in zip(self.sides, support, strict=True):
                found[f"{corpus}/support/{side}"] = count
        return found

    def signatures(self) -> dict[str, str]:
        """Return the form of the score and who reads words: the same for the whole headline."""
        told = f"sentiment|acc2:{'non0' if self.zeros == 'out' else 'has0'}|extract:lexicon"
        return {f"{corpus}/{name}": told for corpus in self.corpora for name in self.headline}

    def polarity(self, answer: Answer) -> int:
        """Return 1, -1 or 0.

        Example:
            >>> [Sentiment().polarity(a) for a in ("Positive", ("sad", "tired", "glad"), "mixed")]
            [1, -1, 0]
        """
        words = self._words(answer)
        told = [NAMES[word] for word in words if word in NAMES]
        signs = told or [self.lexicon.polarity(word) or 0 for word in words]
        return (sum(signs) > 0) - (sum(signs) < 0)

    def _words(self, answer: Answer) -> Sequence[str]:
        """Return the words of a list, or those of a text that say something."""
        if not isinstance(answer, str):
            return [word.lower().strip() for word in answer]
        return find_words(answer, NAMES) or self.lexicon.find_words(answer)

    def _side(self, value: float) -> int:
        return int(value > 0 if self.zeros == "out" else value >= 0)


def gold_of(clip: Clip) -> float:
    """Return the clip's sentiment.

    Raises:
        CorpusError: It has none.
    """
    if clip.sentiment is None:
        raise CorpusError(
            f"The clip {clip.id!r} of {clip.corpus!r} has no sentiment and cannot be scored; give "
            "it one, leave it out, or use `predict`, which needs none."
        )
    return clip.sentiment

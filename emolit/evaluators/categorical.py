"""One label a clip: UA, WA, F1, parse rate and confusion, by corpus."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torchmetrics import Metric, MetricCollection

from emolit.affect.taxonomy import Taxonomy
from emolit.errors import ConfigError, CorpusError
from emolit.evaluators.base import Evaluator, quiet
from emolit.evaluators.confidence import Confidence
from emolit.metrics.accuracy import Accuracy
from emolit.metrics.base import UNREADABLE, CountMetric
from emolit.metrics.confidence_scores import ConfidenceScores
from emolit.metrics.confusion import Confusion
from emolit.metrics.foreign import Foreign
from emolit.metrics.macro_f1 import MacroF1
from emolit.metrics.per_class import F1, Precision, Recall, Support
from emolit.metrics.readable import Readable
from emolit.metrics.unweighted_recall import UnweightedRecall
from emolit.metrics.weighted_f1 import WeightedF1
from emolit.prompts import Prompt
from emolit.types import Clip, Evaluation

SCORES: dict[str, type[CountMetric]] = {
    "UA": UnweightedRecall,
    "WA": Accuracy,
    "macro_F1": MacroF1,
    "weighted_F1": WeightedF1,
    "parse_rate": Readable,
    "foreign_rate": Foreign,
    "recall": Recall,
    "precision": Precision,
    "F1": F1,
    "support": Support,
    "confusion": Confusion,
}
"""Score name, as it stands in log keys, to its metric; all share one matrix of counts."""

NO_LABEL = "xyzzy"
"""A word that is no label."""

Factory = Callable[[int], Metric]
"""Makes a torchmetrics class of a number of classes; the rest is set in its YAML."""


class Categorical(Evaluator):
    """Scores closed labels by the house's rule: unreadable is wrong, absent classes are left out.

    The label set is that of the task, so it must hold every option that the questions offer. A
    corpus may have fewer labels: those that none of its clips carries are left out of UA and
    macro-F1, and answers naming one are wrong and make up ``foreign_rate``.

    Args:
        taxonomy: The label set; the command line links the corpus's own here.
        metrics: Further torchmetrics classes whose first argument is ``num_classes``, logged under
            their class names. Each is built with K+1 classes and updated with class indices,
            unreadable answers being class K; how it treats that class and absent ones is its own
            rule.
        confidence: What tests find out besides the answers: `OptionProbability`,
            `SelfConsistency`. Predictions then hold its distributions, and its scores are logged
            as ``test/<corpus>/<name>_ECE`` and so on. None asks for nothing and costs nothing.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        metrics: list[Factory] | None = None,
        confidence: list[Confidence] | None = None,
    ) -> None:
        super().__init__()
        self.taxonomy = taxonomy
        self.labels = taxonomy.labels
        self.factories = tuple(metrics or ())
        self.confidences = tuple(confidence or ())
        _refuse_repeated("confidences", [each.name for each in self.confidences])

    def build(self) -> "CategoricalScores":
        """Return an empty set of metrics for one corpus."""
        names = tuple(confidence.name for confidence in self.confidences)
        return CategoricalScores(self.labels, self.factories, names)

    def check_prompt(self, prompt: Prompt) -> None:
        """Refuse a prompt that reads more than one of the labels."""
        answer = prompt.parse(prompt.layout.replace("…", NO_LABEL), self.labels)
        if answer is not None:
            raise ConfigError(
                f"The prompt {type(prompt).__name__} reads answers such as {answer!r}, and the "
                f"evaluator {type(self).__name__} counts the labels {list(self.labels)}; use a "
                "prompt that reads one label, such as `Direct`, or another evaluator."
            )

    def scores(self) -> tuple[str, ...]:
        """Return the names of all scores, those of the user's metrics included."""
        return (*super().scores(), *self.build().names)

    def encode(self, evaluation: Evaluation) -> tuple[Tensor, Tensor]:
        """Turn answers and labels into class indices.

        Returns:
            Answers, -1 where unreadable, and targets. ``[B]`` int64 each

        Raises:
            CorpusError: A clip has no label, or one that is not in the label set.
            ConfigError: An answer is not in the label set.
        """
        answers = [self._answer(answer) for answer in evaluation.answers]
        targets = [self._target(clip) for clip in evaluation.batch.clips]
        return torch.tensor(answers, dtype=torch.int64), torch.tensor(targets, dtype=torch.int64)

    def update(self, evaluation: Evaluation) -> None:
        """Count the answers to one batch, each for the corpus of its clip."""
        answers, targets = self.encode(evaluation)
        votes = self._votes(evaluation.batch.clips)
        corpora = [clip.corpus for clip in evaluation.batch.clips]
        for corpus in dict.fromkeys(corpora):
            rows = torch.tensor([name == corpus for name in corpora])
            device = self.anchor.device
            found = answers[rows].to(device), targets[rows].to(device)
            scores = self._scores(corpus)
            scores.update(*found)
            for name, spread in evaluation.probabilities.items():
                sure = cast(ConfidenceScores, scores.confidence[name])
                sure.update(spread[rows].to(device), *found, votes[rows].to(device))

    def compute(self) -> dict[str, Tensor]:
        """Return the scores of each corpus; NaN for recall, precision and F1 of an absent class."""
        return {
            f"{corpus}/{name}": value
            for corpus in self.corpora
            for name, value in self._scores(corpus).compute().items()
        }

    def confusion(self) -> dict[str, Tensor]:
        """Return the counts of answers by truth for each corpus. ``[K, K+1]`` int64 each."""
        return {corpus: self._scores(corpus).confusion() for corpus in self.corpora}

    def _scores(self, corpus: str) -> "CategoricalScores":
        return cast(CategoricalScores, self.set_of(corpus))

    def _votes(self, clips: tuple[Clip, ...]) -> Tensor:
        """Return how many raters chose each label; votes for others are left out. ``[B, K]``."""
        return torch.tensor([[clip.votes.get(name, 0) for name in self.labels] for clip in clips])

    def _answer(self, answer: object) -> int:
        if answer is None:
            return UNREADABLE
        if answer not in self.labels:
            raise ConfigError(
                f"The answer {answer!r} is not among the labels {list(self.labels)} that the "
                "evaluator counts; use a prompt that reads one label, and give the evaluator "
                "every option that the questions offer."
            )
        return self.labels.index(str(answer))

    def _target(self, clip: Clip) -> int:
        if clip.label is None:
            raise CorpusError(
                f"The clip {clip.id!r} of {clip.corpus!r} has no label and cannot be scored; "
                "give it one, leave it out, or use `predict`, which needs none."
            )
        return self.taxonomy.index(clip.label)


class CategoricalScores(nn.Module):
    """The metrics of one corpus: the house's on one matrix of counts, and those of the user.

    Args:
        labels: K names, in class order.
        factories: Makers of the user's metrics.
        confidences: Names of the confidences that are scored.
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        factories: tuple[Factory, ...],
        confidences: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.labels = labels
        house = {name: score(len(labels)) for name, score in SCORES.items()}
        self.house = MetricCollection(dict(house), compute_groups=[list(house)])
        self.extra = nn.ModuleList(make(len(labels) + 1) for make in factories)
        self.names = tuple(type(metric).__name__ for metric in self.extra)
        made = {name: ConfidenceScores(len(labels)) for name in confidences}
        self.confidence = nn.ModuleDict(made)
        _refuse_repeated("metrics", self.names)

    def update(self, answers: Tensor, targets: Tensor) -> None:
        """Count answers, -1 where unreadable. ``[N]`` int64 each."""
        self.house.update(answers, targets)
        shifted = torch.where(answers == UNREADABLE, len(self.labels), answers)
        for metric in self.extra:
            cast(Metric, metric).update(shifted, targets)

    def compute(self) -> dict[str, Tensor]:
        """Return every score as a float64 scalar; the user's metrics only if there are clips."""
        counted = self._count_scores()
        values = {name: counted[name] for name in SCORES if name != "confusion"}
        values = {"n": counted["support"].sum(), **values}
        if values["n"] > 0:
            pairs = zip(self.names, self.extra, strict=True)
            values |= {name: self._extra(name, cast(Metric, metric)) for name, metric in pairs}
        return {
            key: scalar for name, value in values.items() for key, scalar in self._flat(name, value)
        } | self._probability_scores()

    def _probability_scores(self) -> dict[str, Tensor]:
        with quiet():
            return {
                f"{name}_{score}": value
                for name, scores in self.confidence.items()
                for score, value in cast(ConfidenceScores, scores).compute().items()
            }

    def confusion(self) -> Tensor:
        """Return the counts of answers by truth. ``[K, K+1]`` int64."""
        return self._count_scores()["confusion"]

    def _count_scores(self) -> dict[str, Tensor]:
        with quiet():
            return dict(self.house.compute())

    def _extra(self, name: str, metric: Metric) -> Tensor:
        with quiet():
            value = metric.compute()
        if not isinstance(value, Tensor) or value.numel() not in (1, len(self.labels) + 1):
            raise ConfigError(
                f"The metric {name!r} returned {value!r}; "
                "use one that returns a single number or one number a class."
            )
        return value.double().squeeze()

    def _flat(self, name: str, value: Tensor) -> list[tuple[str, Tensor]]:
        """Spread a score by class over keys of its own."""
        if value.dim() == 0:
            return [(name, value)]
        classes = (*self.labels, "unreadable")[: len(value)]
        return [(f"{name}/{label}", value[index]) for index, label in enumerate(classes)]


def _refuse_repeated(what: str, names: Sequence[str]) -> None:
    """Refuse two that would share a log key."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"The {what} {repeated} are listed twice and would share a log key; keep one of each."
        )

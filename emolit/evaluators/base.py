"""The contract of an evaluator."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torchmetrics import Metric

from emolit.errors import CorpusError
from emolit.evaluators.confidence import Confidence
from emolit.prompts import Prompt
from emolit.types import Evaluation


class Evaluator(nn.Module, ABC):
    """Keeps one set of metrics for each corpus and reads their scores.

    The sets are made by `start`, alike and in the same order on all processes, so that states can
    be summed even where a process saw no clip of a corpus. They live on the evaluator's device and
    are no part of a checkpoint.

    Attributes:
        corpora: Names of the corpora, in the order of their sets.
        labels: The closed set of labels, in class order; empty where answers are open.
        confidences: What a test shall find out besides the answers; validation does not.
        parts: What ``<label>`` in ``<corpus>/<score>/<label>`` is, as a key of reports.
    """

    labels: tuple[str, ...] = ()
    confidences: tuple[Confidence, ...] = ()
    parts = "per_class"
    anchor: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.corpora: tuple[str, ...] = ()
        self.sets = nn.ModuleList()
        self.register_buffer("anchor", torch.empty(0), persistent=False)

    @abstractmethod
    def build(self) -> nn.Module:
        """Return an empty set of metrics for one corpus."""

    def check_prompt(self, prompt: Prompt) -> None:
        """Refuse a prompt whose answers cannot be scored; called before anything is loaded.

        Raises:
            ConfigError: It is one.
        """

    @abstractmethod
    def update(self, evaluation: Evaluation) -> None:
        """Take the answers to one batch, unreadable ones included.

        Raises:
            CorpusError: A clip is of a corpus that was not started, or has no truth.
        """

    @abstractmethod
    def compute(self) -> dict[str, Tensor]:
        """Return every score as ``<corpus>/<score>`` or ``<corpus>/<score>/<label>``.

        Scalars, the same on all processes; every process must call it.
        """

    def confusion(self) -> dict[str, Tensor]:
        """Return the counts of answers by truth for each corpus; empty without closed labels.

        ``[K, K+1]`` int64 each, the last column unreadable; every process must call it.
        """
        return {}

    def contributions(self, evaluation: Evaluation) -> Tensor | None:
        """Return what each clip adds to sums that scores follow from; None where none do.

        ``[B, ...]`` float64, on the host. With `from_sums` they give the intervals of a report.
        """
        return None

    @property
    def from_sums(self) -> dict[str, Callable[[Tensor], Tensor]]:
        """What computes scores of such sums, by name. ``[..., *]`` -> ``[...]``."""
        return {}

    @property
    def headline(self) -> tuple[str, ...]:
        """Scores that reports show first; empty takes those of closed labels."""
        return ()

    def signatures(self) -> dict[str, str]:
        """Return the choices behind each score that has some, as ``<corpus>/<score>``.

        To be asked after `compute`; the same on all processes.
        """
        return {}

    def scores(self) -> tuple[str, ...]:
        """Return the names of a corpus's scores, known before any clip is.

        They are those of an empty set, asked of this process alone.
        """
        before = self.corpora
        self.start(("none",))
        for metric in self.sets.modules():
            if isinstance(metric, Metric):
                metric.sync_on_compute = False
        with quiet():
            names = tuple(key.partition("/")[2] for key in self.compute())
        self.start(before)
        return names

    def start(self, corpora: tuple[str, ...]) -> None:
        """Make an empty set of metrics for each corpus and forget all others.

        Args:
            corpora: Their names; the same on all processes.

        Raises:
            CorpusError: A name stands twice.
        """
        repeated = sorted({name for name in corpora if corpora.count(name) > 1})
        if repeated:
            raise CorpusError(
                f"The corpora {list(corpora)} repeat {repeated}, whose scores would be mixed; "
                "list every corpus once."
            )
        self.corpora = tuple(corpora)
        self.sets = nn.ModuleList(self.build() for _ in corpora).to(self.anchor.device)

    def reset(self) -> None:
        """Forget all answers; the corpora stay the same."""
        self.start(self.corpora)

    def set_of(self, corpus: str) -> nn.Module:
        """Return the metrics of a corpus.

        Raises:
            CorpusError: It was not started.
        """
        if corpus not in self.corpora:
            raise CorpusError(
                f"A clip of the corpus {corpus!r} came in, but the evaluator was started for "
                f"{list(self.corpora)}; `names` of the data must list every corpus it serves."
            )
        return self.sets[self.corpora.index(corpus)]


@contextmanager
def quiet() -> Iterator[None]:
    """Silence torchmetrics where a process saw no clip: its counts are 0 and are summed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The ``compute`` method of metric")
        yield

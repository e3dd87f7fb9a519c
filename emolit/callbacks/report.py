"""The scores of a test as a JSON file and as tables on the terminal."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from typing_extensions import override

from emolit.callbacks.adapter_checkpoint import checkpoint_of
from emolit.callbacks.base import gather, rehearsal
from emolit.callbacks.media import media
from emolit.engine.weights.selection import start_note
from emolit.errors import ConfigError
from emolit.evaluators import Evaluator
from emolit.evaluators.categorical import Categorical
from emolit.files.atomic import write_atomically
from emolit.reporting.nested_scores import nest_scores, nest_signatures
from emolit.reporting.scorecard import of_arrays, restricted_answers, scorecard
from emolit.reporting.tables import (
    ScoreTable,
    classes_table,
    open_answers_table,
    parts_table,
    scores_table,
)
from emolit.seed import run_seed
from emolit.statistics.intervals import Array, Interval, bootstrap, cluster
from emolit.statistics.significance import confusions
from emolit.types import Evaluation


@dataclass(frozen=True)
class ClipResult:
    """What the interval and the checks need to know of one tested clip.

    Attributes:
        corpus: Name of the corpus.
        id: Of the clip.
        speaker: Who speaks; None where unknown.
        split: Of the clip.
        answer: Class index, -1 where unreadable; None where answers are open.
        target: Class index; None where answers are open.
        probabilities: Each confidence's distribution over the labels, by its name.
        added: What it adds to sums that scores follow from; None where none do.
    """

    corpus: str
    id: str
    speaker: str | None
    split: str | None
    answer: int | None = None
    target: int | None = None
    probabilities: Mapping[str, Sequence[float]] = field(default_factory=dict)
    added: Array | None = None


class Report(Callback):
    """Writes ``<default_root_dir>/test/scores.json`` and prints its tables.

    For each corpus: n, UA with its interval, WA, macro-F1, weighted F1, parse rate, foreign rate,
    recall, precision, F1 and support by class, the confusion counts, and what the data say about
    it: clips left out by label, clips with bad audio, clips cut, and whether the splits share
    speakers, if ``trainer.datamodule`` has ``censuses``. With a ``confidence`` of the evaluator its
    scores too, and ``restricted``: the scores of the most probable labels among those that the
    corpus's clips have. Of an evaluator without closed labels: its own scores, those by part, and
    the ``signatures`` that say what each follows from, and the intervals of those that follow from
    sums over clips (`Attributes`).
    ``checkpoint`` is what was tested: its ``path``, and the ``selection`` that `AdapterCheckpoint`
    has left there.

    Args:
        resamples: How often speakers are drawn for the 95% interval of UA; the draws are seeded by
            0, so that the interval does not depend on the run.
    """

    def __init__(self, resamples: int = 1000) -> None:
        self.resamples = resamples
        self._rows: list[ClipResult] = []

    @override
    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget an earlier test."""
        self._rows = []

    @override
    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Remember who was heard and what was answered."""
        self._rows += rows_of(outputs, pl_module.evaluator)

    @override
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file and print the tables."""
        evaluator = pl_module.evaluator
        if not isinstance(evaluator, Evaluator):
            return
        rows = sorted(gather(self._rows), key=lambda row: (row.corpus, row.id))
        refuse_repeated(rows)
        scores, confusion = evaluator.compute(), evaluator.confusion()
        told = evaluator.signatures()
        if not trainer.is_global_zero:
            return
        left_out = censuses(trainer)
        corpora = {
            name: {
                **nest_scores(scores, name, evaluator.parts),
                **self._details(
                    [row for row in rows if row.corpus == name],
                    confusion.get(name),
                    evaluator.labels,
                ),
                **self._sum_intervals([row for row in rows if row.corpus == name], evaluator),
                **nest_signatures(told, name),
                **left_out.get(name, {}),
            }
            for name in evaluator.corpora
        }
        report: dict[str, Any] = {
            "seed": run_seed(),
            "split": "+".join(sorted({row.split or "test" for row in rows})),
            "labels": list(evaluator.labels),
            "checkpoint": checkpoint_of(trainer, pl_module),
            "corpora": corpora,
        }
        if not rehearsal(trainer):
            with write_atomically(Path(trainer.default_root_dir) / "test" / "scores.json") as file:
                json.dump(report, file, ensure_ascii=False, allow_nan=False, indent=2)
        tables = tables_of(report, evaluator)
        for each in tables:
            each.show()
        if note := start_note(report["checkpoint"]):
            rank_zero_info(note)
        for shown in media(trainer):
            text = "\n\n".join(each.markdown() for each in tables)
            shown.add_text("test/scores", text, trainer.global_step)

    def _details(
        self, rows: list[ClipResult], counts: Tensor | None, labels: Sequence[str]
    ) -> dict[str, Any]:
        """Return the confusion and the interval of one corpus, where its labels are closed."""
        if counts is None:
            return {}
        found = ua_interval(rows, len(counts), self.resamples) if rows else None
        return {
            "UA_interval": None if found is None else asdict(found),
            "confusion": counts.tolist(),
            **restricted_scores(rows, labels, self.resamples),
        }

    def _sum_intervals(self, rows: list[ClipResult], evaluator: Evaluator) -> dict[str, Any]:
        """Return the interval of each score that follows from sums over the clips of a corpus."""
        added = [row.added for row in rows if row.added is not None]
        if not added:
            return {}
        clusters, unit = cluster([row.speaker for row in rows])
        sums = np.zeros((max(clusters) + 1, *added[0].shape))
        np.add.at(sums, clusters, np.stack(added))
        return {
            f"{name}_interval": asdict(
                _defined(bootstrap(sums, _on_arrays(score), unit, self.resamples))
            )
            for name, score in evaluator.from_sums.items()
        }


def _defined(found: Interval) -> Interval:
    """Return an interval without ends where a score of some resamples is none, such as 0 / 0."""
    if found.low is None or found.high is None or np.isfinite((found.low, found.high)).all():
        return found
    return replace(found, low=None, high=None, remark="undefined for some of the draws")


def _on_arrays(score: Callable[[Tensor], Tensor]) -> Callable[[Array], Array]:
    return lambda sums: score(torch.from_numpy(sums)).numpy()


def rows_of(evaluation: Evaluation, evaluator: object) -> list[ClipResult]:
    """Return a row for each clip of a batch."""
    clips = evaluation.batch.clips
    known = [(clip.corpus, clip.id, clip.speaker, clip.split) for clip in clips]
    if not isinstance(evaluator, Categorical):
        added = evaluator.contributions(evaluation) if isinstance(evaluator, Evaluator) else None
        found = [None] * len(clips) if added is None else [*added.numpy()]
        return [ClipResult(*each, added=its) for each, its in zip(known, found, strict=True)]
    answers, targets = evaluator.encode(evaluation)
    spreads = {name: rows.tolist() for name, rows in evaluation.probabilities.items()}
    return [
        ClipResult(*fields, answer, target, {name: rows[index] for name, rows in spreads.items()})
        for index, (fields, answer, target) in enumerate(
            zip(known, answers.tolist(), targets.tolist(), strict=True)
        )
    ]


def restricted_scores(
    rows: list[ClipResult], labels: Sequence[str], resamples: int
) -> dict[str, Any]:
    """Return ``restricted``, by the name of each confidence; nothing without confidences."""
    targets = [row.target for row in rows if row.target is not None]
    speakers = [row.speaker for row in rows]
    found = {}
    for name in rows[0].probabilities if rows else ():
        answers = restricted_answers([row.probabilities[name] for row in rows], targets).tolist()
        found[name] = scorecard(labels, answers, targets, speakers, resamples)
    return {"restricted": found} if found else {}


def refuse_repeated(rows: list[ClipResult]) -> None:
    """Refuse a test in which a clip was answered twice and so counted twice.

    Raises:
        ConfigError: Names the clips.
    """
    times = Counter((row.corpus, row.id) for row in rows)
    repeated = [f"{corpus}/{name}" for (corpus, name), count in times.items() if count > 1]
    if repeated:
        raise ConfigError(
            f"{len(repeated)} clips were tested more than once, first {repeated[:3]}: a sampler "
            "that pads the last batch repeats clips, and the scores would count them twice. "
            "Set `trainer.use_distributed_sampler: false` or test on one device."
        )


def ua_interval(rows: list[ClipResult], num_classes: int, resamples: int) -> Interval:
    """Return the 95% bootstrap interval of UA over speakers, or clips where they are unknown.

    Args:
        rows: The clips of one corpus.
        num_classes: K.
        resamples: B.
    """
    clusters, unit = cluster([row.speaker for row in rows])
    answers = [row.answer for row in rows if row.answer is not None]
    targets = [row.target for row in rows if row.target is not None]
    counts = confusions(answers, targets, clusters, num_classes)
    return bootstrap(counts, of_arrays("UA"), unit, resamples)


def censuses(trainer: Trainer) -> dict[str, dict[str, Any]]:
    """Return what the data say about each corpus: clips left out or cut, speakers shared."""
    corpus = getattr(trainer, "datamodule", None)
    said: dict[str, dict[str, Any]] = {
        census.corpus: {
            "dropped": dict(census.dropped),
            "skipped": list(census.skipped),
            "cropped": census.cropped,
            "outside": census.outside,
            "speaker_independent": census.speaker_independent,
            "notes": list(census.notes),
        }
        for census in getattr(corpus, "censuses", ())
    }
    for name, its in getattr(corpus, "conditions", {}).items():
        said[name] = {**said.get(its.corpus, {}), "condition": its.name, "heard_of": its.corpus}
    return said


def tables_of(report: Mapping[str, Any], evaluator: Evaluator) -> list[ScoreTable]:
    """Return the main table, and one by class or part for each corpus."""
    entries = [{"corpus": name, **entry} for name, entry in report["corpora"].items()]
    title = f"Scores on {report['split']}"
    if evaluator.headline:
        tables = [open_answers_table(title, entries, evaluator.headline)]
    else:
        tables = [scores_table(title, entries, ("corpus",))]
    for entry in entries:
        if "per_class" in entry:
            tables.append(classes_table(f"{entry['corpus']} by class", entry))
        elif evaluator.parts in entry:
            title = f"{entry['corpus']}, {evaluator.parts}"
            tables.append(parts_table(title, entry[evaluator.parts]))
    return tables

"""Answers of several tests on the same clips: pooled over folds, and one arm against another."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from emolit.commands.results import captions as results_captions
from emolit.errors import ConfigError
from emolit.reporting.scorecard import SCORES, of_arrays, restricted_answers
from emolit.statistics.intervals import Array, Interval, bootstrap, cluster
from emolit.statistics.significance import (
    UNREADABLE,
    confusions,
    holm,
    mcnemar,
    paired_bootstrap,
    permutation_test,
)

P_VALUES = ("randomization_p", "McNemar_p")
RESTRICTED = ", options restricted"
"""Behind the name of a corpus: answers are the most probable of the labels that its clips have."""


@dataclass(frozen=True)
class Answers:
    """What one arm has answered to one corpus, in one fold or in several.

    Attributes:
        labels: The label set; empty where answers are open.
        lines: Of the prediction files, each with its ``fold``.
        signatures: Of scores of captions that can be computed anew; empty where none is there.
    """

    labels: tuple[str, ...]
    lines: tuple[Mapping[str, Any], ...]
    signatures: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_clip(self) -> dict[tuple[Any, str], Mapping[str, Any]]:
        """The lines by fold and clip."""
        return {(line["fold"], line["id"]): line for line in self.lines}

    @property
    def clips(self) -> int:
        """Number of different clips; fewer than lines where every fold tests the same ones."""
        return len({line["id"] for line in self.lines})

    def codes(self, key: str) -> list[int]:
        """Return answers or targets as class indices, -1 where unreadable."""
        index: dict[str | None, int] = {label: code for code, label in enumerate(self.labels)}
        index[None] = UNREADABLE
        return [index[line[key]] for line in self.lines]

    def counts(self, clusters: Sequence[int]) -> Array:
        """Return answers by truth in each cluster. ``[C, K, K+1]``."""
        return confusions(self.codes("answer"), self.codes("target"), clusters, len(self.labels))

    def caption_statistics(self, metric: str, clusters: Sequence[int]) -> Array:
        """Return what a score of captions is made of in each cluster. ``[C, ...]``."""
        signature = self.signatures["BLEU_4"]  # names the tokens
        return results_captions.statistics(metric, self.lines, signature, clusters)

    def clusters(self) -> tuple[list[int], str]:
        """Return the cluster of each line and what a cluster is."""
        found, unit = cluster([line.get("speaker") for line in self.lines])
        if unit == "clips":  # the same clip in several folds is one cluster
            found, _ = cluster([line["id"] for line in self.lines])
        return found, unit


def read(folders: Mapping[Any, Path], corpus: str) -> Answers:
    """Read what was answered to a corpus in some folds.

    Args:
        folders: Of the test stages, by fold.
        corpus: Its name; `RESTRICTED` may stand behind it.

    Raises:
        ConfigError: A file is missing, the folds were scored in different ways, or a label is
            none of the closed set.
    """
    lines: list[Mapping[str, Any]] = []
    labels: list[tuple[str, ...]] = []
    signatures: list[dict[str, str]] = []
    for fold, folder in folders.items():
        path = folder / "test" / f"predictions-{corpus.removesuffix(RESTRICTED)}.jsonl"
        if not path.is_file():
            raise ConfigError(f"There is no {path}; add PredictionWriter to the test's callbacks.")
        scores = json.loads((folder / "test" / "scores.json").read_text(encoding="utf-8"))
        labels.append(tuple(scores["labels"]))
        told = scores["corpora"].get(corpus, {}).get("signatures", {})
        signatures.append({name: told[name] for name in results_captions.SCORES if name in told})
        with path.open(encoding="utf-8") as file:
            lines += [{"fold": fold, **json.loads(line)} for line in file]
    for what, found in (("label sets", labels), ("signatures", signatures)):
        if any(each != found[0] for each in found):
            raise ConfigError(f"The folds of {corpus} have the {what} {found}; use one.")
    refuse_foreign(lines, labels[0], corpus)
    if corpus.endswith(RESTRICTED):
        lines = restrict(lines, labels[0])
    return Answers(labels[0], tuple(lines), signatures[0])


def refuse_foreign(lines: Sequence[Mapping[str, Any]], labels: Sequence[str], corpus: str) -> None:
    """Refuse lines that a test of closed labels, if there are some, cannot have written.

    Raises:
        ConfigError: A target or an answer is no label.
    """
    for line in lines if labels else ():
        if line["target"] not in labels or line["answer"] not in (None, *labels):
            raise ConfigError(
                f"The clip {line['id']!r} of {corpus} has the target {line['target']!r} and the "
                f"answer {line['answer']!r}, but the labels are {[*labels]}: its predictions and "
                "its scores.json are not of one test; test again."
            )


def restrict(lines: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> list[Mapping[str, Any]]:
    """Put the most probable of the labels that some clip has in the place of each answer.

    Where all of these have probability 0, there is none: the answer is unreadable.
    """
    spreads = [[line["probabilities"]["probability"][label] for label in labels] for line in lines]
    targets = [labels.index(line["target"]) for line in lines]
    codes = restricted_answers(spreads, targets).tolist()
    named: list[str | None] = [None if code == UNREADABLE else labels[code] for code in codes]
    return [{**line, "answer": answer} for line, answer in zip(lines, named, strict=True)]


def caption_intervals(answers: Answers) -> dict[str, Any]:
    """Return intervals of those scores of captions that add up over clips."""
    clusters, unit = answers.clusters()
    row: dict[str, Any] = {}
    for name in answers.signatures:
        value = results_captions.SCORES[name].value
        row |= interval_keys(
            name, bootstrap(answers.caption_statistics(name, clusters), value, unit)
        )
    return row


def pool(answers: Answers) -> dict[str, Any] | None:
    """Return the scores of all folds' answers together; None where answers are open."""
    if not answers.labels:
        return None
    clusters, unit = answers.clusters()
    counts = answers.counts(clusters)
    total = counts.sum(0)[None]
    row: dict[str, Any] = {"n": len(answers.lines)}
    if answers.clips < len(answers.lines):
        row["clips"] = answers.clips
    row |= {name: float(of_arrays(name)(total)[0]) for name in SCORES}
    return row | interval_keys("UA", bootstrap(counts, of_arrays("UA"), unit))


def interval_keys(metric: str, found: Interval | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return an interval as keys of a row."""
    if found is None:
        return {}
    said = found if isinstance(found, Mapping) else vars(found)
    row = {f"{metric}_low": said["low"], f"{metric}_high": said["high"]}
    return row | {"clusters": said["clusters"], "unit": said["unit"], "remark": said["remark"]}


def compare(first: Answers, second: Answers, metric: str) -> dict[str, Any]:
    """Return the difference of two arms on the same clips, with its interval and p-values.

    Args:
        first: Of one arm.
        second: Of the other.
        metric: A score of closed labels or of captions, or a reward; clips that a reward does not
            apply to, in either arm, are no part of ``n`` and counted as ``left_out``.

    Raises:
        ConfigError: The clips or their labels differ, or nobody has the metric.
    """
    if first.by_clip.keys() != second.by_clip.keys() or first.labels != second.labels:
        raise ConfigError(
            f"{len(first.lines)} answers are compared with {len(second.lines)}, but not to the "
            "same clips under the same labels; test both arms alike."
        )
    second = replace(second, lines=tuple(second.by_clip[key] for key in first.by_clip))
    if first.labels and first.codes("target") != second.codes("target"):
        raise ConfigError("The clips of two arms have different labels; test both arms alike.")
    clusters, unit = first.clusters()
    row: dict[str, Any] = {"n": len(first.lines)}
    if metric in SCORES and first.labels:
        one, other = first.counts(clusters), second.counts(clusters)
        score = of_arrays(metric)
    elif metric in first.signatures:
        one, other = (
            first.caption_statistics(metric, clusters),
            second.caption_statistics(metric, clusters),
        )
        score = results_captions.SCORES[metric].value
    else:
        one, other = reward_sums(first, metric, clusters), reward_sums(second, metric, clusters)
        score = results_captions.mean
        row |= count_scored(first, second, metric)
    gap = score(one.sum(0)[None]) - score(other.sum(0)[None])
    row |= {"metric": metric, "difference": float(gap[0])}
    row |= interval_keys("difference", paired_bootstrap(one, other, score, unit))
    row["randomization_p"] = permutation_test(one, other, score)
    if first.labels and first.clips == len(first.lines):
        row["McNemar_p"] = mcnemar(mark_correct(first), mark_correct(second))
    return row


def mark_correct(answers: Answers) -> list[bool]:
    """Tell which clips are answered rightly."""
    return [line["answer"] == line["target"] for line in answers.lines]


def reward_sums(answers: Answers, metric: str, clusters: Sequence[int]) -> Array:
    """Return sum and number of a reward in each cluster, where it applies. ``[C, 2]``.

    Raises:
        ConfigError: No clip has such a reward.
    """
    pairs = [(value or 0.0, value is not None) for value in reward_values(answers, metric)]
    if not any(applies for _, applies in pairs):
        raise ConfigError(
            f"All {len(pairs)} clips have no {metric!r}; compare one of "
            f"{[*SCORES, *answers.lines[0]['rewards']]}."
        )
    sums = np.zeros((max(clusters) + 1, 2))
    np.add.at(sums, list(clusters), np.array(pairs, dtype=float))
    return sums


def reward_values(answers: Answers, metric: str) -> list[float | None]:
    """Return a reward of each clip; None where it does not apply."""
    return [line["rewards"].get(metric) for line in answers.lines]


def count_scored(first: Answers, second: Answers, metric: str) -> dict[str, int]:
    """Return how many clips a reward applies to, and how many are left out, if any.

    Raises:
        ConfigError: They are others in the second arm.
    """
    applies = [
        [value is not None for value in reward_values(side, metric)] for side in (first, second)
    ]
    if applies[0] != applies[1]:
        raise ConfigError(
            f"{metric!r} applies to {sum(applies[0])} clips of one arm and to {sum(applies[1])} of "
            "the other, or to other ones; compare by one that depends on the clip alone."
        )
    count, every = sum(applies[0]), len(applies[0])
    return {"n": count} | ({"left_out": every - count} if count < every else {})


def adjust(rows: list[dict[str, Any]]) -> None:
    """Add the p-values adjusted by Holm over all rows, each kind of test by itself."""
    for name in P_VALUES:
        tested = [row for row in rows if name in row]
        for row, value in zip(tested, holm([row[name] for row in tested]), strict=True):
            row[f"{name}_holm"] = value

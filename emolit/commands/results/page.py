"""Renders docs/results/*.json as one page, in tables and plain words.

It is code, not a template of Jinja2: nearly all of it decides what a sentence says, and what is
left for a template is three joins.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emolit.commands.results.captions import SCORES as CAPTIONED
from emolit.engine.weights.selection import UNTOUCHED
from emolit.reporting.scorecard import SCORES as CLOSED
from emolit.reporting.tables import ScoreTable, number

FIXED = (
    "arm", "versus", "test", "seed", "fold", "seeds", "folds", "corpus", "split", "n", "clips",
    "metric", "clusters", "unit", "remark", "config", "commit", "command",
    "trained_config", "trained_command", "start",
)  # fmt: skip
"""Keys of a row that are no scores."""
PARTS = ("_low", "_high", "_sd", "_holm")
"""Endings of keys that belong to another key."""
SHOWN = {
    "demo": ("UA", "WA", "macro_F1", "parse_rate", "foreign_rate"),
    "emo_rl": (
        "UA", "WA", "macro_F1", "parse_rate", "foreign_rate", "probability_ECE", "probability_AURC",
    ),
    "ravdess_imbalanced": (
        "UA", "WA", "macro_F1", "recall_neutral", "recall_calm", "recall_happy", "recall_sad",
        "recall_angry", "recall_fear", "recall_disgust", "recall_surprise",
    ),
    "affectgpt_rl": (
        "sample_F1", "F1", "precision", "recall", "exact_F1", "length", "gold_length", "known",
        "gold_known", "parse_rate",
    ),
    "mecap_r1": (
        "emotion_set_F1", "emotion_set_left_out", "BLEU_4", "METEOR", "ROUGE_L", "CIDEr_D",
        "Distinct_2", "vocabulary", "parse_rate",
    ),
}  # fmt: skip
"""Scores to show where a table has them, by file; of a file that is not here all are shown."""
SCORE_OF = {"wheel_f1": "sample_F1"}
"""Rewards whose mean over clips is a score of the tables, unless settings make them another."""
LEVEL = 0.05
"""A Holm-adjusted p below this is called significant."""
HEAD = """# Results

Written by `emolit results` from `docs/results/*.json`, which it collects from the runs' own
files; nothing here is typed by hand, and a test renders the page again.
[experiments.md](experiments.md) says what the rows hold. In parentheses stand 95% intervals
(bootstrap over speakers; over clips where speakers are unknown); a star marks one whose remark
below the table must be read. `±` is the standard deviation over folds or over seeds, which says how
training varies, not how sure a test score is. p-values are adjusted by Holm over all comparisons
of a file.
"""
Row = Mapping[str, Any]


def page(folder: Path) -> str:
    """Return the page of all files in a folder."""
    parts = [HEAD]
    for path in sorted(folder.glob("*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        parts.append(f"## {path.stem}\n")
        parts += list(sections(rows, SHOWN.get(path.stem)))
    return "\n".join(parts)


def sections(rows: Sequence[Row], shown: Sequence[str] | None) -> Iterator[str]:
    """Yield the tables of one file, then its comparisons."""
    scores = [row for row in rows if "versus" not in row]
    for test, corpus in dict.fromkeys((row["test"], row["corpus"]) for row in scores):
        here = [row for row in scores if (row["test"], row["corpus"]) == (test, corpus)]
        title = f"{corpus}, {here[0]['split']}" + ("" if test == "test" else f" ({test})")
        yield table(title, [row for row in here if not is_mean(row)], shown)
        if any(is_mean(row) for row in here):
            yield table(
                f"{title}: over folds or seeds", [row for row in here if is_mean(row)], shown
            )
    compared = [row for row in rows if "versus" in row]
    if compared:
        yield "### Comparisons\n\n" + "".join(f"- {sentence(row, scores)}\n" for row in compared)


def is_mean(row: Row) -> bool:
    """Tell whether a row is a mean over folds or seeds."""
    return "mean" in (row["seed"], row["fold"])


def metrics_of(rows: Sequence[Row]) -> list[str]:
    """Return the names of the scores that stand in rows."""
    return [
        key
        for key in dict.fromkeys(key for row in rows for key in row)
        if key not in FIXED and not key.endswith(PARTS)
    ]


def table(title: str, rows: Sequence[Row], shown: Sequence[str] | None) -> str:
    """Return scores as Markdown; single folds do not show where they are pooled."""
    whole = {(row["arm"], row["seed"]) for row in rows if row["fold"] == "pooled"}
    rows = [
        row for row in rows if row["fold"] == "pooled" or (row["arm"], row["seed"]) not in whole
    ]
    found = metrics_of(rows)
    names = [name for name in shown if name in found] if shown else found
    lead = ["arm", "seed", *(["fold"] if any(row["fold"] is not None for row in rows) else [])]
    header = (*lead, "n", *(name.replace("_", " ") for name in names))
    cells = [
        (
            *(title_of(row, key) for key in lead),
            str(row["n"]),
            *(score(row, name) for name in names),
        )
        for row in rows
    ]
    notes = dict.fromkeys(note for row in rows for note in notes_of(row))
    return "#" + ScoreTable(title, header, tuple(cells), tuple(notes)).markdown()


def title_of(row: Row, key: str) -> str:
    """Return what a row is about; of a mean also over how many."""
    value = row[key]
    return f"mean of {row[f'{key}s']}" if value == "mean" else "-" if value is None else str(value)


def score(row: Row, name: str) -> str:
    """Return a score with its interval or its deviation."""
    text = number(row.get(name))
    if row.get(f"{name}_sd") is not None:
        return f"{text} ± {number(row[f'{name}_sd'])}"
    if row.get(f"{name}_low") is not None:
        star = "*" if row["remark"] else ""
        return f"{text} ({number(row[f'{name}_low'])}-{number(row[f'{name}_high'])}){star}"
    return text


def notes_of(row: Row) -> Iterator[str]:
    """Yield what a reader of a row must know."""
    if row.get("remark"):
        yield f"{row['arm']}: {row['remark']}"
    if row.get("start"):
        yield f"{row['arm']}, seed {row['seed']}: a tested checkpoint is {UNTOUCHED}"
    if "-dirty" in row["commit"]:
        yield f"{row['arm']}: run with changes that are in no commit"
    if "clips" in row:
        yield f"{row['arm']}: {row['n']} answers of all folds' models to {row['clips']} clips"


def name_comparison(row: Row, scores: Sequence[Row]) -> str:
    """Return what a comparison compares, as the tables call it; else say that it is a reward.

    A reward is called by its score only where the tables hold the same difference.
    """
    metric = row["metric"]
    if metric in CLOSED or metric in CAPTIONED:
        return str(metric.replace("_", " "))
    same = ("test", "seed", "fold", "corpus")
    values: list[Any] = [
        other.get(SCORE_OF.get(metric, ""))
        for arm in (row["arm"], row["versus"])
        for other in scores
        if other["arm"] == arm and all(other[key] == row[key] for key in same)
    ]
    if len(values) == 2 and None not in values:
        gap = values[0] - values[1]
        if math.isclose(gap, row["difference"], abs_tol=1e-6):  # scores are in float32
            return SCORE_OF[metric].replace("_", " ")
    return f"mean of the reward {metric}"


def sentence(row: Row, scores: Sequence[Row]) -> str:
    """Say in plain words what a comparison has found.

    Significant is what the randomization test calls so after Holm; McNemar's test stands beside it.
    """
    seed = f"seed {row['seed']}" + {None: "", "pooled": ", folds pooled"}.get(
        row["fold"], f", fold {row['fold']}"
    )
    where = f"{row['corpus']}" + ("" if row["test"] == "test" else f" ({row['test']})")
    tests = f"randomization by {row['unit']} p {p_value(row['randomization_p'])}, "
    tests += f"Holm {p_value(row['randomization_p_holm'])}"
    if "McNemar_p" in row:
        tests += f"; McNemar on accuracy p {p_value(row['McNemar_p'])}, "
        tests += f"Holm {p_value(row['McNemar_p_holm'])}"
    between = "no interval"
    if row["difference_low"] is not None:
        star = "*" if row["remark"] else ""
        between = f"95% {row['difference_low']:+.3f} to {row['difference_high']:+.3f}{star}"
    remark = f" ({row['remark']})" if row["remark"] else ""
    left = f", {row['left_out']} left out" if "left_out" in row else ""
    return (
        f"**{row['arm']}** against **{row['versus']}** on {where}, "
        f"{name_comparison(row, scores)}, {seed}, n "
        f"{row['n']}{left}: {row['difference']:+.3f} ({between}; {tests}): {verdict(row)}{remark}."
    )


def verdict(row: Row) -> str:
    """Return the finding in words."""
    if row["randomization_p_holm"] >= LEVEL:
        return "not significant"
    return f"{row['arm'] if row['difference'] > 0 else row['versus']} is ahead"


def p_value(value: float) -> str:
    """Return a p-value, small ones as a bound.

    Example:
        >>> p_value(0.0421), p_value(0.0001)
        ('0.042', '< 0.001')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"

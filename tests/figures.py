"""Rows of docs/results, and how the pages write what they hold."""

import json
import re
import statistics
from functools import cache
from pathlib import Path

from emolit.affect.wheel_score import WheelScore
from emolit.corpora.emo_gator import CATEGORIES
from emolit.metrics.word_lists import WordLists
from emolit.reporting.tables import number

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "measured.md").read_text()
README = (ROOT / "README.md").read_text().partition("## Measured")[2].partition("\n## ")[0]
ABOUT = ("arm", "config", "commit", "command", "trained_config", "trained_command")
"""Keys in which two arms may differ whose scores are the same."""

CONSTANTS = {
    "constant_1": ("serenity",),
    "constant_2": ("contentment", "embarrassment"),
    "constant_3": ("elation", "embarrassment", "serenity"),
}
"""Answers to every clip of EmoGator that need no model: the best of one, two and three words."""


@cache
def constant(arm):
    """Return what a constant answer scores on EmoGator, whose categories are equally frequent."""
    words, score = CONSTANTS[arm], WheelScore(unknown="wrong")
    lists = WordLists(score.lexicon)
    golds = [(name,) for name in CATEGORIES]
    lists.update([words] * len(golds), golds)
    earned = [score(words, gold) for gold in golds if score(gold, gold) is not None]
    return {name: float(value) for name, value in lists.compute().items()} | {
        "sample_F1": sum(earned) / len(earned)
    }


LABELS = {
    "recall_rare": ("neutral", "calm", "sad", "fear", "disgust", "surprise"),
    "recall_frequent": ("happy", "angry"),
}
"""Labels of RAVDESS made imbalanced whose recalls the page gives in one figure."""


@cache
def rows(file):
    found = json.loads((ROOT / "docs" / "results" / f"{file}.json").read_text())
    return join_recalls(found) if file == "ravdess_imbalanced" else found


def join_recalls(found):
    """Add the mean recall of several labels to rows, and over seeds its deviation."""
    singly = {}
    for row in (row for row in found if "versus" not in row):
        for name, labels in LABELS.items():
            row[name] = statistics.fmean(row[f"recall_{label}"] for label in labels)
            if row["seed"] == "mean":
                row[f"{name}_sd"] = statistics.stdev(singly[row["arm"], name])
            else:
                singly.setdefault((row["arm"], name), []).append(row[name])
    return found


def of_arm(file, arm, corpus, **where):
    """Return one row: the pooled folds, the mean over seeds or the only one, unless told."""
    found = [
        row
        for row in rows(file)
        if "versus" not in row and (row["arm"], row["corpus"]) == (arm, corpus)
    ]
    if where:
        found = [row for row in found if all(row[key] == where[key] for key in where)]
    elif len(found) > 1:
        pooled = [row for row in found if row["fold"] == "pooled" and row["seed"] != "mean"]
        found = pooled or [row for row in found if row["seed"] == "mean"]
    (row,) = found
    return row


def by_seed(file, arm, corpus):
    """Return the rows of single runs, seed by seed; none where each seed has several folds."""
    found = [
        row
        for row in rows(file)
        if "versus" not in row
        and (row["arm"], row["corpus"]) == (arm, corpus)
        and type(row["seed"]) is int
        and type(row["fold"]) is not str
    ]
    seeds = sorted(row["seed"] for row in found)
    once = len({*seeds}) == len(seeds)
    return sorted(found, key=lambda row: row["seed"]) if once else []


def against(file, arm, versus, corpus):
    """Return the comparisons of two arms, seed by seed."""
    names = {"arm": arm, "versus": versus, "corpus": corpus}
    return [row for row in rows(file) if all(row.get(key) == name for key, name in names.items())]


def forms(file, arm, corpus, key):
    """Return how a score may be written: with interval or deviation, alone, and by seed."""
    if arm in CONSTANTS:
        return {f"{constant(arm)[key]:.{2 if key == 'length' else 3}f}"}
    row = of_arm(file, arm, corpus)
    value = number(row[key])
    whole = value
    if row.get(f"{key}_sd") is not None:
        whole = f"{value} ± {number(row[f'{key}_sd'])}"
    elif row.get(f"{key}_low") is not None:
        whole = f"{value} ({number(row[f'{key}_low'])}-{number(row[f'{key}_high'])})"
    singly = [single[key] for single in by_seed(file, arm, corpus)]
    return {
        whole,
        value,
        f"{row[key]:.0f}" if key == "vocabulary" else value,
        f"{row[key]:.2f}" if key == "length" else value,
        f"{whole} ({', '.join(map(number, singly))})",
        ", ".join(f"{each:.2f}" for each in singly) if key == "length" else value,
    }


def same(row, other):
    """Tell whether two arms have every score in common: the same checkpoint was tested."""
    return {k: v for k, v in row.items() if k not in ABOUT} == {
        k: v for k, v in other.items() if k not in ABOUT
    }


def gap(row, sign=1):
    """Say a difference with its interval, the other way round if the sign is -1."""
    ends = sorted(sign * row[f"difference_{end}"] for end in ("low", "high"))
    return f"{sign * row['difference']:.3f} ({ends[0]:.3f} to {ends[1]:.3f})"


def listed(words):
    """Join words as a sentence does."""
    *first, last = words
    return f"{', '.join(first)} and {last}"


def gaps(file, arm, versus, corpus, sign=1):
    return listed([gap(row, sign) for row in against(file, arm, versus, corpus)])


def score(file, arm, corpus, key="UA", digits=3, **where):
    return f"{of_arm(file, arm, corpus, **where)[key]:.{digits}f}"


def flat(text):
    return " ".join(text.replace("**", "").split())


def prose(text):
    """Return a page without commands, tables, code and links' targets, on one line."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"^\|.*$", lambda line: line[0].split("|")[1], text, flags=re.MULTILINE)
    return flat(re.sub(r"\]\([^)]*\)", "]", text))

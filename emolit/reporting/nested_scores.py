"""What ``scores.json`` says of one corpus: its scores as plain numbers, and their signatures."""

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

WHOLE = ("n", "support", "votes_n", "labeled", "tokens", "vocabulary", "emotion_set_left_out")
"""Scores that are numbers of clips or tokens."""


def nest_scores(
    scores: Mapping[str, Tensor], corpus: str, parts: str = "per_class"
) -> dict[str, Any]:
    """Return the scores of one corpus as plain numbers, those by class under a key of their own.

    Args:
        scores: ``<corpus>/<score>`` or ``<corpus>/<score>/<label>`` to a scalar.
        corpus: Its name.
        parts: The key of those by class.
    """
    entry: dict[str, Any] = {}
    by_label: dict[str, dict[str, float | int | None]] = {}
    for key, value in scores.items():
        if not key.startswith(f"{corpus}/"):
            continue
        name, _, label = key.removeprefix(f"{corpus}/").partition("/")
        number = for_json(name, float(value))
        if label:
            by_label.setdefault(label, {})[name] = number
        else:
            entry[name] = number
    return {**entry, parts: by_label} if by_label else entry


def for_json(name: str, value: float) -> float | int | None:
    """Return a number for JSON: whole where it counts clips, None for NaN."""
    if math.isnan(value):
        return None
    return int(value) if name in WHOLE else value


def nest_signatures(signatures: Mapping[str, str], corpus: str) -> dict[str, Any]:
    """Return the signatures of one corpus's scores by score; nothing where scores have none."""
    mine = {
        key.removeprefix(f"{corpus}/"): text
        for key, text in signatures.items()
        if key.startswith(f"{corpus}/")
    }
    return {"signatures": mine} if mine else {}

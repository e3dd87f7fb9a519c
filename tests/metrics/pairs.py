"""Stored caption pairs, random ones, and scoring them split over several metrics."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from emolit.metrics.caption_base import CaptionMetric

Pair = tuple[str | None, list[str]]
STORED = [("en", "ptb"), ("zh", "char"), ("zh", "char_nopunct"), ("zh", "jieba"),
          ("zh", "jieba_nopunct")]  # fmt: skip
"""Language and tokens of the stored cases."""


@cache
def cases(shared: Path) -> dict[str, Any]:
    """Return the stored cases."""
    found = json.loads((shared / "reference" / "caption_reference_cases.json").read_text())
    return {language: found[language] for language in ("en", "zh")}


def texts(shared: Path, language: str) -> tuple[list[str], list[list[str]]]:
    """Return the raw captions and references."""
    pairs = cases(shared)[language]["pairs"]
    return [pair["hyp"] for pair in pairs], [pair["refs"] for pair in pairs]


words = st.lists(st.sampled_from(list("abcd。")), max_size=8).map("".join)
pairs = st.lists(
    st.tuples(st.none() | words, st.lists(words, min_size=1, max_size=3)), min_size=1, max_size=12
)


def scored(metric: CaptionMetric, pairs: Sequence[Pair], size: int = 100) -> dict[str, float]:
    """Return the scores of pairs that come in batches of a size."""
    for start in range(0, len(pairs), size):
        some = pairs[start : start + size]
        metric.update([said for said, _ in some], [wanted for _, wanted in some])
    return {name: float(value) for name, value in metric.compute().items()}

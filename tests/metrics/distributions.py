"""Distributions over labels for the tests of metrics."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

Case = tuple[Tensor, ...]
"""What a metric is updated with, rows first."""


def stored(shared: Path, key: str) -> dict[str, Any]:
    """A block of the reference cases."""
    return json.loads((shared / "reference" / "ser_reference_cases.json").read_text())[key]


def random_case(clips: int = 41, classes: int = 4, seed: int = 0) -> Case:
    """Distributions with ties and one row of nothing, truths, votes of 1 to 5 raters."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(0, 4, (clips, classes), generator=generator).double()
    rows = rows / rows.sum(1, keepdim=True).clamp(min=1)
    rows[0] = 0
    targets = torch.randint(0, classes, (clips,), generator=generator)
    votes = torch.randint(0, 3, (clips, classes), generator=generator)
    votes[votes.sum(1) == 0, 1] = 1
    return rows, targets, votes


def fed(metric: Metric, case: Case, size: int) -> Metric:
    """Update a metric with batches of a size."""
    for begin in range(0, len(case[0]), size):
        metric.update(*(part[begin : begin + size] for part in case))
    return metric

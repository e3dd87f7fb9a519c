import pytest
import torch

from emolit.metrics.base import CountMetric
from emolit.metrics.per_class import F1, Precision, Recall, Support

NONE = float("nan")


@pytest.mark.parametrize(
    ("score", "wanted"),
    [
        (Recall, [2 / 3, 0.0, NONE]),
        (Precision, [1.0, 0.0, NONE]),
        (F1, [4 / 5, 0.0, NONE]),
        (Support, [3.0, 1.0, 0.0]),
    ],
)
def test_absent_classes_have_no_score_and_unanswered_ones_have_zero(
    score: type[CountMetric], wanted: list[float]
):
    # class 0: two of three right, one unreadable; class 1: never answered; class 2: never true
    metric = score(3)
    metric.update(torch.tensor([0, 0, -1, 2]), torch.tensor([0, 0, 0, 1]))
    assert metric.compute().tolist() == pytest.approx(wanted, nan_ok=True)

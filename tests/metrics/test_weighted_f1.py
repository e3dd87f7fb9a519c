import pytest
import torch
from hypothesis import given
from sklearn.metrics import f1_score

from emolit.metrics.base import tabulate
from emolit.metrics.weighted_f1 import WeightedF1, weighted_f1
from tests.metrics.cases import Case, cases, tensors, with_extra_class


@given(cases())
def test_it_equals_sklearn(case: Case):
    ours = weighted_f1(tabulate(*tensors(case), case[0]))
    theirs = f1_score(case[2], with_extra_class(case), average="weighted", zero_division=0)
    assert float(ours) == pytest.approx(theirs, abs=1e-12)


def test_by_hand():
    # class 0: n 3, h 2, q 2 -> 4/5; class 1: n 1, h 0, q 1 -> 0; (3 * 4/5 + 0) / 4
    metric = WeightedF1(2)
    metric.update(torch.tensor([0, 0, 1, -1]), torch.tensor([0, 0, 0, 1]))
    assert float(metric.compute()) == pytest.approx(0.6)

import pytest
import torch
from hypothesis import given
from sklearn.metrics import accuracy_score

from emolit.metrics.accuracy import Accuracy, accuracy
from emolit.metrics.base import tabulate
from tests.metrics.cases import Case, cases, tensors, with_extra_class


@given(cases())
def test_it_equals_accuracy_of_sklearn(case: Case):
    ours = accuracy(tabulate(*tensors(case), case[0]))
    assert float(ours) == pytest.approx(accuracy_score(case[2], with_extra_class(case)), abs=1e-12)


def test_unreadable_answers_stay_in_the_denominator():
    metric = Accuracy(2)
    metric.update(torch.tensor([0, -1, -1, -1]), torch.tensor([0, 0, 1, 1]))
    assert float(metric.compute()) == 0.25

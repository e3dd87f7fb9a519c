import torch
from hypothesis import given
from sklearn.metrics import confusion_matrix

from emolit.metrics.base import tabulate
from emolit.metrics.confusion import Confusion, normalize_rows
from tests.metrics.cases import Case, cases, tensors, with_extra_class


@given(cases())
def test_it_equals_sklearn_with_unreadable_as_the_last_class(case: Case):
    num_classes, _, targets = case
    metric = Confusion(num_classes)
    metric.update(*tensors(case))
    theirs = confusion_matrix(targets, with_extra_class(case), labels=range(num_classes + 1))
    assert metric.compute().tolist() == theirs[:num_classes].tolist()


@given(cases())
def test_rows_of_classes_that_occur_sum_to_one_and_others_are_nan(case: Case):
    counts = tabulate(*tensors(case), case[0])
    shares = normalize_rows(counts)
    present = counts.sum(1) > 0
    assert torch.allclose(shares[present].sum(1), torch.ones(1, dtype=torch.float64))
    assert shares[~present].isnan().all()

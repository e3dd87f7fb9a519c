import pytest
import torch
from hypothesis import given
from sklearn.metrics import f1_score

from emolit.metrics.base import tabulate
from emolit.metrics.macro_f1 import MacroF1, macro_f1
from tests.metrics.cases import Case, cases, tensors, with_extra_class


@given(cases())
def test_it_equals_sklearn_over_the_classes_that_occur(case: Case):
    ours = macro_f1(tabulate(*tensors(case), case[0]))
    theirs = f1_score(
        case[2],
        with_extra_class(case),
        labels=sorted(set(case[2])),
        average="macro",
        zero_division=0,
    )
    assert float(ours) == pytest.approx(theirs, abs=1e-12)


def test_by_hand():
    # class 0: h 1, n 2, q 1 -> 2/3; class 1: h 1, n 1, q 2 -> 2/3; class 2: absent
    metric = MacroF1(3)
    metric.update(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]))
    assert float(metric.compute()) == pytest.approx(2 / 3)

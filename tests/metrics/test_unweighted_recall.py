import pytest
import torch
from hypothesis import given
from sklearn.metrics import balanced_accuracy_score

from emolit.metrics.base import tabulate
from emolit.metrics.unweighted_recall import UnweightedRecall, unweighted_recall
from tests.metrics.cases import Case, cases, tensors, with_extra_class


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")  # some cases do
@pytest.mark.filterwarnings("ignore:A single label was found")  # cases of one clip
@given(cases())
def test_it_equals_balanced_accuracy_of_sklearn(case: Case):
    ours = unweighted_recall(tabulate(*tensors(case), case[0]))
    theirs = balanced_accuracy_score(case[2], with_extra_class(case))
    assert float(ours) == pytest.approx(theirs, abs=1e-12)


def test_one_unreadable_answer_costs_its_own_class_only():
    metric = UnweightedRecall(2)
    metric.update(torch.tensor([0, -1, 1, 1]), torch.tensor([0, 0, 1, 1]))
    assert float(metric.compute()) == 0.75


def test_a_class_that_is_answered_but_never_true_is_left_out():
    metric = UnweightedRecall(3)
    metric.update(torch.tensor([0, 2, 1, 1]), torch.tensor([0, 0, 1, 1]))
    assert float(metric.compute()) == 0.75


@pytest.mark.parametrize("num_classes", range(2, 9))
def test_only_unreadable_answers_score_zero(num_classes: int):
    metric = UnweightedRecall(num_classes)
    metric.update(torch.full((num_classes,), -1), torch.arange(num_classes))
    assert float(metric.compute()) == 0.0


def test_a_stack_of_counts_gives_a_score_each():
    right, wrong = torch.tensor([[2, 0, 0], [0, 3, 0]]), torch.tensor([[0, 2, 0], [3, 0, 0]])
    assert unweighted_recall(torch.stack([right, wrong])).tolist() == [1.0, 0.0]

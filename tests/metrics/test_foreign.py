import pytest
import torch
from hypothesis import given

from emolit.metrics.accuracy import Accuracy
from emolit.metrics.base import tabulate
from emolit.metrics.foreign import Foreign, foreign
from tests.metrics.cases import Case, cases, tensors


@given(cases())
def test_it_is_the_share_of_answers_outside_the_labels_of_the_clips(case: Case):
    num_classes, answers, targets = case
    outside = sum(answer >= 0 and answer not in targets for answer in answers)
    ours = foreign(tabulate(*tensors(case), num_classes))
    assert float(ours) == pytest.approx(outside / len(answers), abs=1e-12)


def test_a_foreign_answer_is_wrong():
    answers, targets = torch.tensor([0, 3, 3, -1]), torch.tensor([0, 1, 1, 1])
    rate, right = Foreign(4), Accuracy(4)
    rate.update(answers, targets)
    right.update(answers, targets)
    assert (float(rate.compute()), float(right.compute())) == (0.5, 0.25)

import pytest
import torch
from hypothesis import given

from emolit.metrics.base import tabulate
from emolit.metrics.readable import Readable, parse_rate
from tests.metrics.cases import Case, cases, tensors


@given(cases())
def test_it_is_the_share_of_answers_that_were_read(case: Case):
    share = sum(answer >= 0 for answer in case[1]) / len(case[1])
    assert float(parse_rate(tabulate(*tensors(case), case[0]))) == pytest.approx(share, abs=1e-12)


def test_a_wrong_answer_is_readable():
    metric = Readable(2)
    metric.update(torch.tensor([1, 1]), torch.tensor([0, 0]))
    assert float(metric.compute()) == 1.0

from itertools import permutations
from statistics import mean

import pytest
import torch

from emolit.metrics.risk_coverage import AreaUnderRiskCoverage, area_under_risk_coverage


def by_definition(correct):
    """Mean over i of the errors among the first i, divided by i."""
    return mean(sum(1 - c for c in correct[:i]) / i for i in range(1, len(correct) + 1))


def test_without_ties_it_is_the_definition():
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(30, generator=generator)
    correct = torch.randint(0, 2, (30,), generator=generator)
    wanted = by_definition(correct[confidence.argsort(descending=True)].tolist())
    assert area_under_risk_coverage(confidence, correct).item() == pytest.approx(wanted, abs=1e-12)


def test_ties_give_the_mean_over_all_their_orders():
    correct = [1, 0, 0, 1, 0]  # the middle three are equally confident
    orders = [[1, *middle, 0] for middle in permutations(correct[1:4])]
    wanted = mean(by_definition(order) for order in orders)
    confidence = torch.tensor([0.9, 0.5, 0.5, 0.5, 0.1])
    found = area_under_risk_coverage(confidence, torch.tensor(correct)).item()
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_before_any_clip_there_is_no_area():
    assert AreaUnderRiskCoverage().compute().isnan()

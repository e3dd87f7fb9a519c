import pytest
import torch

from emolit.metrics.brier import Brier
from tests.metrics.distributions import fed, stored


def test_it_equals_the_stored_value(shared):
    case = stored(shared, "calibration")
    given = torch.tensor(case["probs"]), torch.tensor(case["y"])
    assert fed(Brier(), given, 200).compute().item() == pytest.approx(case["brier"], abs=1e-6)


def test_sure_and_wrong_costs_2_and_saying_nothing_costs_1():
    metric = Brier()
    metric.update(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert metric.compute() == 2
    metric.update(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))
    assert metric.compute() == 1.5

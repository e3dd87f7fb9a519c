import math

import pytest
import torch
from sklearn.metrics import log_loss

from emolit.metrics.likelihood import NegativeLogLikelihood
from tests.metrics.distributions import fed, stored


def test_it_equals_the_stored_value_and_sklearn(shared):
    case = stored(shared, "calibration")
    rows = torch.tensor(case["probs"], dtype=torch.float64)
    found = fed(NegativeLogLikelihood(), (rows, torch.tensor(case["y"])), 200).compute().item()
    assert found == pytest.approx(case["nll"], abs=1e-6)
    assert found == pytest.approx(log_loss(case["y"], rows.numpy(), labels=range(4)), abs=1e-9)


def test_a_truth_without_probability_costs_a_finite_amount():
    metric = NegativeLogLikelihood()
    metric.update(torch.tensor([[1.0, 0.0]]), torch.tensor([1]))
    assert metric.compute().item() == pytest.approx(8 * math.log(10))

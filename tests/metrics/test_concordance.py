import numpy as np
import pytest
import torch

from emolit.metrics.concordance import Concordance
from tests.metrics.distributions import fed, stored


def test_it_equals_the_stored_value_and_numpy(shared):
    case = stored(shared, "ccc")
    p, t = (np.array(case[key]) for key in ("pred", "lab"))
    found = fed(Concordance(), (torch.tensor(p), torch.tensor(t)), 50).compute().item()
    assert found == pytest.approx(case["ccc_population"], abs=1e-6)
    spread = p.var() + t.var() + (p.mean() - t.mean()) ** 2
    assert found == pytest.approx(2 * np.cov(p, t, bias=True)[0, 1] / spread, abs=1e-9)


def test_a_shift_costs_and_a_constant_has_none():
    metric = Concordance()
    metric.update(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0]))
    assert metric.compute().item() == pytest.approx(1)
    metric.reset()
    metric.update(torch.tensor([2.0, 3.0, 4.0]), torch.tensor([1.0, 2.0, 3.0]))
    assert metric.compute().item() == pytest.approx((4 / 3) / (4 / 3 + 1))
    metric.reset()
    metric.update(torch.tensor([2.0, 2.0]), torch.tensor([2.0, 2.0]))
    assert metric.compute().isnan()

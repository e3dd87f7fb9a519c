import numpy as np
import pytest
import torch

from emolit.metrics.calibration import (
    BINS,
    ExpectedCalibrationError,
    MaximumCalibrationError,
    count_bins,
)
from tests.metrics.distributions import fed, random_case, stored

BOTH = pytest.mark.parametrize("kind", [ExpectedCalibrationError, MaximumCalibrationError])


def test_both_equal_the_stored_values(shared):
    case = stored(shared, "calibration")
    given = torch.tensor(case["probs"]), torch.tensor(case["y"])
    found = fed(ExpectedCalibrationError(), given, 200).compute().item()
    assert found == pytest.approx(case["ece15_l1"], abs=1e-6)
    found = fed(MaximumCalibrationError(), given, 200).compute().item()
    assert found == pytest.approx(case["mce15"], abs=1e-6)


def test_both_equal_a_loop_over_bins_written_from_the_definition():
    rows, targets, _ = random_case(200)
    confidence = rows.max(1).values.numpy()
    hit = (rows.argmax(1) == targets).numpy() & (confidence > 0)
    gaps, shares = [], []
    for i in range(BINS):
        inside = (confidence > i / BINS) & (confidence <= (i + 1) / BINS)
        inside |= (confidence == 0) & (i == 0)
        if inside.any():
            gaps.append(abs(hit[inside].mean() - confidence[inside].mean()))
            shares.append(inside.mean())
    given = (rows, targets)
    ece = fed(ExpectedCalibrationError(), given, 200).compute().item()
    assert ece == pytest.approx(np.dot(gaps, shares), abs=1e-12)
    mce = fed(MaximumCalibrationError(), given, 200).compute().item()
    assert mce == pytest.approx(max(gaps), abs=1e-12)


def test_a_bin_holds_its_upper_bound():
    rows = [[0.2], [0.2000001], [1.0]]
    places = count_bins(torch.tensor(rows, dtype=torch.float64), torch.zeros(3).long())[:, 0]
    assert places.nonzero().flatten().tolist() == [2, 3, 14]


@BOTH
@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_before_any_clip_there_is_no_error(kind):
    assert kind().compute().isnan()

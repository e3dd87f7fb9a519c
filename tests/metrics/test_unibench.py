"""The total against published rows (AffectGPT, Table 2)."""

import pytest

from emolit.errors import ConfigError
from emolit.metrics.unibench import PRIMARY, unibench


@pytest.mark.parametrize(
    ("row", "mean"),
    [
        ((78.54, 78.80, 55.65, 60.54, 81.30, 80.90, 88.49, 86.18, 62.52), 74.77),
        ((59.38, 73.62, 46.76, 55.47, 66.13, 67.66, 78.32, 77.23, 52.97), 64.17),
        ((72.94, 73.41, 56.63, 55.68, 83.46, 80.74, 82.99, 83.75, 59.98), 72.18),
    ],
)
def test_published_means_come_out(row, mean):
    assert unibench(dict(zip(PRIMARY, row, strict=True))) == pytest.approx(mean, abs=0.01)


@pytest.mark.parametrize("odd", [{"ov_merd_plus": None}, {"mer2025": 0.5}])
def test_a_mean_of_other_sets_is_refused(odd):
    scores = dict.fromkeys(PRIMARY, 0.5) | odd
    scores = {name: value for name, value in scores.items() if value is not None}
    with pytest.raises(ConfigError, match=rf"{next(iter(odd))}.*Score every set"):
        unibench(scores)

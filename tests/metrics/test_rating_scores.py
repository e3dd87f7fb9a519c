"""CCC, PCC and MAE are those of numpy, scipy, scikit-learn and torchmetrics."""

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from sklearn.metrics import mean_absolute_error
from torchmetrics import ConcordanceCorrCoef

from emolit.metrics.rating_scores import SCORES, RatingScores, sums_of


@pytest.fixture
def pairs():
    random = np.random.RandomState(0)
    truth = random.uniform(1, 5, 60)
    return torch.tensor(0.6 * truth + random.normal(1.0, 0.5, 60)), torch.tensor(truth)


def scores(said, rated, parts=1):
    metric = RatingScores(1)
    for p, t in zip(said.chunk(parts), rated.chunk(parts), strict=True):
        metric.update(sums_of(p, t).unsqueeze(1), torch.ones(len(p), dtype=torch.bool))
    sums, counts = metric.compute()
    assert counts.tolist() == [len(said), len(said)]
    return {name: score(sums)[0].item() for name, score in SCORES.items()}


@pytest.mark.parametrize("parts", [1, 7])
def test_all_three_equal_other_libraries_whatever_the_batches(pairs, parts):
    said, rated = pairs
    covariance = np.cov(said, rated, ddof=0)  # population, as in MSP-Podcast's challenges
    away = (said.mean() - rated.mean()).item() ** 2
    expected = {
        "CCC": 2 * covariance[0, 1] / (covariance.trace() + away),
        "PCC": pearsonr(said, rated).statistic,
        "MAE": mean_absolute_error(rated, said),
    }
    assert scores(said, rated, parts) == pytest.approx(expected, abs=1e-9)


def test_ccc_is_torchmetrics_where_its_variance_of_samples_cancels(pairs):
    """Theirs divides by n - 1; with equal means that stands above and below."""
    said, rated = pairs
    said = said - said.mean() + rated.mean()
    metric = ConcordanceCorrCoef().set_dtype(torch.float64)
    metric.update(said, rated)
    assert scores(said, rated)["CCC"] == pytest.approx(metric.compute().item(), abs=1e-9)


def test_one_number_for_all_has_no_concordance_and_no_correlation(pairs):
    _, rated = pairs
    told = scores(torch.full_like(rated, 3.0), rated)
    assert told["CCC"] == pytest.approx(0, abs=1e-12) and np.isnan(told["PCC"])


@pytest.mark.parametrize("number", [3.833333, 2.1, 4.35])
@pytest.mark.parametrize("clips", [10, 1_000])
def test_rounding_is_no_spread(number, clips):
    """Sums of numbers that no float holds leave a variance of about 1e-15, above or below 0."""
    rated = torch.full((clips,), number, dtype=torch.float64)
    told = scores(torch.full_like(rated, 7.0), rated)
    assert told["CCC"] == 0 and np.isnan(told["PCC"])
    assert np.isnan([scores(rated, rated)[name] for name in ("CCC", "PCC")]).all()
    said = rated.clone()
    said[0] += 0.01
    assert np.isnan(scores(said, rated)["PCC"])
    assert scores(said, said)["PCC"] == pytest.approx(1, abs=1e-6)

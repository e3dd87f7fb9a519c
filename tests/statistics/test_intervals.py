import numpy as np
import pytest
from scipy import stats

from emolit.statistics.intervals import Array, bootstrap, cluster, resample


def share(sums: Array) -> Array:
    """Right answers over clips; the last axis holds both."""
    return sums[:, 0] / sums[:, 1]


def test_ends_are_binomial_quantiles_where_every_speaker_has_one_clip():
    right = np.array([1] * 30 + [0] * 70)
    found = bootstrap(np.stack([right, np.ones(100, int)], 1), share, resamples=20_000)
    wanted = stats.binom(100, 0.3).ppf([0.025, 0.975]) / 100
    assert [found.low, found.high] == pytest.approx(wanted, abs=0.011)


def test_ends_equal_the_percentile_bootstrap_of_scipy_within_its_noise():
    draws = np.random.default_rng(1)
    counts = np.stack([draws.integers(0, 9, 12), np.full(12, 10)], 1)
    theirs = stats.bootstrap(
        (counts[:, 0] / 10,), np.mean, n_resamples=20_000, method="percentile", rng=2
    ).confidence_interval
    found = bootstrap(counts, share, resamples=20_000)
    assert [found.low, found.high] == pytest.approx([theirs.low, theirs.high], abs=0.01)


def test_a_speaker_drawn_twice_counts_twice():
    sums = resample(np.array([[1, 10], [100, 1000]]), 400, seed=0)
    assert {tuple(row) for row in sums.tolist()} == {(2, 20), (101, 1010), (200, 2000)}
    both = np.mean(sums[:, 0] == 101)
    assert both == pytest.approx(0.5, abs=0.1)


def test_whole_speakers_are_drawn_not_clips():
    # ten clips a speaker, all right or all wrong: clips alone would give a narrow interval
    counts = np.array([[10, 10]] * 5 + [[0, 10]] * 5)
    by_speaker = bootstrap(counts, share)
    by_clip = bootstrap(np.array([[1, 1]] * 50 + [[0, 1]] * 50), share, unit="clips")
    assert by_speaker.high - by_speaker.low > 2.5 * (by_clip.high - by_clip.low)


def test_speakers_that_are_all_alike_leave_no_width():
    found = bootstrap(np.array([[3, 4]] * 7), share)
    assert (found.low, found.high, found.remark) == (0.75, 0.75, None)


def test_the_same_seed_gives_the_same_ends_and_another_seed_others():
    counts = np.stack([np.arange(20), np.full(20, 20)], 1)
    first, again, other = (bootstrap(counts, share, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


@pytest.mark.parametrize(
    ("clusters", "unit", "remark"),
    [
        (4, "speakers", "unreliable: only 4 speakers"),
        (5, "speakers", None),
        (40, "clips", "speakers unknown: clips were drawn"),
        (2, "clips", "speakers unknown: clips were drawn; unreliable: only 2 clips"),
    ],
)
def test_few_or_unknown_speakers_are_remarked(clusters: int, unit: str, remark: str | None):
    found = bootstrap(np.array([[1, 2]] * clusters), share, unit=unit, resamples=10)
    assert (found.clusters, found.unit, found.remark) == (clusters, unit, remark)
    assert found.low is not None


def test_a_single_speaker_has_no_interval():
    found = bootstrap(np.array([[1, 2]]), share)
    assert (found.low, found.high, found.remark) == (None, None, "no interval: a single speaker")


def test_no_cluster_at_all_is_an_error():
    with pytest.raises(ValueError, match="at least one cluster"):
        bootstrap(np.empty((0, 2)), share)


def test_one_unknown_speaker_makes_every_clip_its_own_cluster():
    assert cluster(["anna", "bert", "anna"]) == ([0, 1, 0], "speakers")
    assert cluster(["anna", None, "anna"]) == ([0, 1, 2], "clips")

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from emolit.metrics.unweighted_recall import unweighted_recall
from emolit.statistics.significance import (
    confusions,
    difference,
    holm,
    mcnemar,
    paired_bootstrap,
    permutation_test,
    randomization,
)


def ua(counts):
    return unweighted_recall(torch.from_numpy(counts)).numpy()


def accuracy(counts):
    return np.einsum("bkk->b", counts[..., :-1]) / counts.sum((-2, -1))


def mean(sums):
    """Sum over number; the last axis holds both."""
    return sums[:, 0] / sums[:, 1]


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5), st.integers(0, 5))
def test_mcnemar_is_the_binomial_test_of_scipy(only_first, only_second, both, neither):
    first = [True] * (only_first + both) + [False] * (only_second + neither)
    second = [False] * only_first + [True] * (both + only_second) + [False] * neither
    discordant = only_first + only_second
    expected = stats.binomtest(only_first, discordant).pvalue if discordant else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(second, first) == mcnemar(first, second)


def test_mcnemar_check_value_and_large_counts():
    assert mcnemar([1] * 12 + [0] * 4, [0] * 12 + [1] * 4) == pytest.approx(0.07681, abs=5e-6)
    assert mcnemar([True, False], [True, False]) == 1.0
    many = mcnemar([True] * 2600 + [False] * 2400, [False] * 2600 + [True] * 2400)
    assert many == pytest.approx(stats.binomtest(2400, 5000).pvalue, rel=1e-9)


def test_holm_check_value():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_its_definition_and_keeps_the_order_of_the_values(values):
    adjusted = holm(values)
    ranked = sorted(values)
    for value, found in zip(values, adjusted, strict=True):
        upto = max(position for position, other in enumerate(ranked) if other == value)
        wanted = max(min(1, (len(values) - j) * ranked[j]) for j in range(upto + 1))
        assert value <= found == pytest.approx(wanted)
    # Bonferroni is never kinder
    assert all(a <= min(1, len(values) * v) for v, a in zip(values, adjusted, strict=True))


def test_holm_refuses_what_is_no_probability():
    with pytest.raises(ValueError, match=r"A p-value is 1\.5"):
        holm([0.1, 1.5])


def every_swap(first, second, score):
    """All 2^C swaps, by hand."""
    observed = abs(score(first.sum(0)[None]) - score(second.sum(0)[None]))[0]
    extreme = 0
    for coins in itertools.product([False, True], repeat=len(first)):
        swap = np.array(coins).reshape(-1, *[1] * (first.ndim - 1))
        one, other = np.where(swap, second, first), np.where(swap, first, second)
        gap = abs(score(one.sum(0)[None]) - score(other.sum(0)[None]))[0]
        extreme += gap >= observed - 1e-12
    return extreme / 2 ** len(first)


def some_answers(seed, clips=120, speakers=8, classes=4):
    random = np.random.default_rng(seed)
    truth = np.arange(clips) % classes
    better = np.where(random.random(clips) < 0.7, truth, random.integers(-1, classes, clips))
    worse = np.where(random.random(clips) < 0.5, truth, random.integers(-1, classes, clips))
    groups = [f"s{i}" for i in random.integers(speakers, size=clips)]
    return better.tolist(), worse.tolist(), truth.tolist(), groups


@pytest.mark.parametrize("score", [ua, accuracy])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_randomization_is_the_share_of_all_swaps_within_its_noise(score, seed):
    better, worse, truth, groups = some_answers(seed)
    names = sorted(set(groups))
    index = [names.index(name) for name in groups]
    tables = [confusions(side, truth, index, 4).astype(float) for side in (better, worse)]
    expected = every_swap(*tables, score)
    found = randomization(better, worse, truth, groups, score)
    assert found == pytest.approx(expected, abs=4 * (expected / 10_000) ** 0.5 + 2e-4)
    assert randomization(worse, better, truth, groups, score) == found


def test_randomization_of_single_clips_agrees_with_mcnemar():
    # with one clip a speaker and accuracy as score both ask the same question
    b, c = 12, 4
    truth = [0] * 40
    first = [0] * b + [1] * c + [0] * 24
    second = [1] * b + [0] * c + [0] * 24
    found = randomization(first, second, truth, [None] * 40, accuracy, draws=40_000)
    right = [[answer == 0 for answer in side] for side in (first, second)]
    assert found == pytest.approx(mcnemar(*right), abs=0.006)


def test_under_the_null_hypothesis_p_is_uniform():
    random = np.random.default_rng(5)
    values = []
    for seed in range(300):
        truth = np.arange(100) % 2
        sides = [np.where(random.random(100) < 0.6, truth, 1 - truth) for _ in range(2)]
        groups = [f"s{i % 20}" for i in range(100)]
        values.append(
            randomization(*(s.tolist() for s in sides), truth.tolist(), groups, accuracy, 200, seed)
        )
    for level in (0.1, 0.3, 0.5):
        assert np.mean(np.array(values) <= level) <= level + 3 * (level / 300) ** 0.5


def test_equal_runs_do_not_differ_and_few_speakers_never_differ_significantly():
    _, _, truth, groups = some_answers(0)
    assert randomization(truth, truth, truth, groups, ua, draws=500) == 1.0
    wrong = [-1] * len(truth)
    four = [f"s{i % 4}" for i in range(len(truth))]
    # all right against all wrong: only the swap of all speakers and of none is as extreme
    assert randomization(truth, wrong, truth, four, ua) == pytest.approx(2 / 16, abs=0.02)
    assert randomization(truth, wrong, truth, groups, ua) == pytest.approx(2 / 256, abs=0.004)


def test_clips_of_one_speaker_are_swapped_together():
    # one speaker carries all of the difference: by clips it looks sure, by speakers it is not
    truth = [0] * 100
    first, second = [0] * 100, [1] * 20 + [0] * 80
    groups = [f"s{i // 20}" for i in range(100)]
    assert randomization(first, second, truth, groups, accuracy, draws=2000) == 1.0
    alone = randomization(first, second, truth, [None] * 100, accuracy, draws=2000)
    assert alone == pytest.approx(1 / 2001)


def test_difference_is_the_gap_of_both_scores_on_the_same_speakers():
    better, worse, truth, groups = some_answers(3, clips=400, speakers=20)
    found = difference(better, worse, truth, groups, ua)
    turned = difference(worse, better, truth, groups, ua)
    assert (found.low, found.high) == pytest.approx((-turned.high, -turned.low))
    assert 0 < found.low < found.high
    assert (found.clusters, found.unit, found.remark) == (20, "speakers", None)
    same = difference(better, better, truth, groups, ua)
    assert (same.low, same.high) == (0.0, 0.0)


def test_difference_of_means_is_the_bootstrap_of_scipy_on_paired_values():
    random = np.random.default_rng(1)
    first, second = random.normal(0.3, 1, 40), random.normal(0, 1, 40)
    ones = np.ones(40)
    sides = [np.stack([side, ones], 1) for side in (first, second)]
    found = paired_bootstrap(*sides, mean, "clips", draws=20_000)
    theirs = stats.bootstrap(
        (first - second,), np.mean, n_resamples=20_000, method="percentile", rng=2
    ).confidence_interval
    assert [found.low, found.high] == pytest.approx([theirs.low, theirs.high], abs=0.02)
    test = stats.permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples",
        n_resamples=20_000, rng=3,
    )  # fmt: skip
    assert permutation_test(*sides, mean, draws=20_000) == pytest.approx(test.pvalue, abs=0.015)


def test_unreadable_answers_are_wrong_and_never_left_out():
    truth, groups = [0, 0, 1, 1], ["a", "b", "c", "d"]
    readable = confusions([0, 1, 1, -1], truth, [0, 1, 2, 3], 2)
    assert readable.sum() == 4
    assert readable[3].tolist() == [[0, 0, 0], [0, 0, 1]]
    first = randomization([0, 0, 1, 1], [-1] * 4, truth, groups, accuracy)
    second = randomization([0, 0, 1, 1], [1, 1, 0, 0], truth, groups, accuracy)
    assert first == second


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        (([0, 1], [0], [0, 1], ["a", "b"]), "'second': 1"),
        (([], [], [], []), "no clips"),
        (([0, 1], [0, 1], [0, -1], ["a", "b"]), "a truth is -1"),
        (([0, -2], [0, 1], [0, 1], ["a", "b"]), "least answer -2"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(sides, words):
    for compare in (randomization, difference):
        with pytest.raises(ValueError, match=words):
            compare(*sides, ua)


def test_statistics_of_other_clusters_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 2\) and \(2, 2\)"):
        permutation_test(np.ones((3, 2)), np.ones((2, 2)), mean)
    with pytest.raises(ValueError, match="same clips"):
        mcnemar([True], [True, False])

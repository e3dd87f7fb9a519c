import pytest
import torch

from emolit.metrics.distribution import (
    MeanMetric,
    check_distributions,
    choose,
    choose_among,
    is_correct,
)
from tests.metrics.distributions import random_case


class Largest(MeanMetric):
    """Mean of the largest probability."""

    def values(self, probabilities, truth):
        return probabilities.max(1).values


def test_the_choice_is_the_first_of_the_most_probable_and_nothing_where_all_are_0():
    rows = torch.tensor([[0.4, 0.4, 0.2], [0.0, 0.0, 0.0], [0.1, 0.2, 0.7]])
    assert choose(rows).tolist() == [0, -1, 2]
    assert is_correct(rows, torch.tensor([0, 0, 1])).tolist() == [True, False, False]


def test_a_restricted_choice_is_among_the_given_classes_and_otherwise_the_same():
    rows, _, _ = random_case()
    everything = torch.ones(4, dtype=torch.bool)
    assert torch.equal(choose_among(rows, everything), choose(rows))
    some = torch.tensor([False, True, False, True])
    for row, choice in zip(rows.tolist(), choose_among(rows, some).tolist(), strict=True):
        wanted = max((1, 3), key=lambda k: row[k])  # the first of equals
        assert choice == (wanted if row[wanted] > 0 else -1)


@pytest.mark.parametrize(
    "rows", [[[0.7, 0.7]], [[-0.1, 0.5]], [[float("nan"), 0.5]], [[0.5, 0.5], [2.0, 0.0]]]
)
def test_what_are_no_probabilities_is_refused_by_value(rows):
    with pytest.raises(ValueError, match="are no probabilities"):
        check_distributions(torch.tensor(rows))


def test_a_row_may_miss_the_share_of_unreadable_answers_and_need_not_be_exact():
    assert check_distributions(torch.tensor([[0.2, 0.2], [0.0, 0.0]])).dtype == torch.float64
    assert check_distributions(torch.tensor([[0.333334, 0.333334, 0.333333]])).shape == (1, 3)
    with pytest.raises(ValueError, match=r"shape \(2,\)"):
        check_distributions(torch.tensor([0.5, 0.5]))


def test_the_mean_is_over_clips_whatever_the_batches_and_nan_before_any():
    metric = Largest()
    metric.update(torch.tensor([[0.5, 0.5]] * 3), torch.zeros(3))
    metric.update(torch.tensor([[1.0, 0.0]]), torch.zeros(1))
    assert metric.compute().item() == pytest.approx((3 * 0.5 + 1) / 4)
    metric.reset()
    assert torch.isnan(metric.total / metric.n)

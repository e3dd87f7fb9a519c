"""Advantages: hand-derived values and invariants."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import beta

from emolit.advantages import (
    Accepted,
    beta_normalized,
    centered,
    flat,
    leave_one_out,
    mean_normalized,
    scaled_by_batch,
    standardized,
    standardized_by_batch,
)

rows = st.lists(st.floats(-10, 10, width=32), min_size=2, max_size=8)


def test_standardized_equals_the_formula_by_hand():
    rewards = torch.tensor([[2.0, 0.0, 1.0]])  # mean 1, sample deviation 1
    expected = torch.tensor([[1.0, -1.0, 0.0]]) / (1 + 1e-4)
    torch.testing.assert_close(standardized(rewards), expected)


def test_leave_one_out_compares_with_the_others():
    rewards = torch.tensor([[3.0, 1.0, 2.0, 0.0]])
    expected = [3 - 1, 1 - 5 / 3, 2 - 4 / 3, 0 - 2]
    torch.testing.assert_close(leave_one_out(rewards), torch.tensor([expected]))


@pytest.mark.parametrize("advantage", [centered, standardized, leave_one_out, scaled_by_batch])
@given(rewards=rows)
def test_a_group_sums_to_zero_and_order_inside_it_changes_nothing(advantage, rewards):
    values = torch.tensor([rewards])
    result = advantage(values)
    assert result.sum().abs() < 1e-3 * (1 + result.abs().max())
    torch.testing.assert_close(advantage(values.flip(1)).flip(1), result, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("advantage", [centered, standardized, leave_one_out, scaled_by_batch])
@given(reward=st.floats(-10, 10, width=32), group=st.integers(2, 64))
@example(reward=2.7446656227111816, group=3)
def test_equal_rewards_are_worth_exactly_nothing(advantage, reward, group):
    assert (advantage(torch.full((1, group), reward)) == 0).all()


@pytest.mark.parametrize("advantage", [centered, standardized, leave_one_out, scaled_by_batch])
def test_unscored_responses_get_zero_and_leave_the_others_alone(advantage):
    scored = advantage(torch.tensor([[1.0, 0.0, 2.0]]))
    with_gap = advantage(torch.tensor([[1.0, float("nan"), 0.0, 2.0]]))
    assert with_gap[0, 1] == 0
    torch.testing.assert_close(with_gap[:, [0, 2, 3]], scored)


@pytest.mark.parametrize("successes", [1, 2, 4])
def test_mean_normalized_is_the_gradient_of_the_mean_success(successes):
    """MaxRL's other form: grad log p averaged over successes, less its mean over all."""
    rewards = torch.zeros(1, 5)
    rewards[:, :successes] = 1.0
    gradient = torch.randn(5, generator=torch.Generator().manual_seed(0))
    expected = gradient[:successes].mean() - gradient.mean()
    torch.testing.assert_close((mean_normalized(rewards)[0] * gradient).mean(), expected)


def test_mean_normalized_leaves_groups_without_success_and_unscored_responses_alone():
    rewards = torch.tensor([[0.0, 0.0, float("nan")], [1.0, float("nan"), 0.0]])
    torch.testing.assert_close(
        mean_normalized(rewards), torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, -1.0]])
    )


def test_mean_normalized_refuses_negative_rewards():
    with pytest.raises(ValueError, match=r"at least 0, but one is -0\.5"):
        mean_normalized(torch.tensor([[1.0, -0.5]]))


def test_a_group_of_one_cannot_be_standardized():
    with pytest.raises(ValueError, match="group_size is 1"):
        standardized(torch.ones(3, 1))


def test_the_batch_standardizes_over_all_groups():
    rewards = torch.tensor([[2.0, 0.0], [1.0, 5.0]])  # mean 2, squares 0 + 4 + 1 + 9
    expected = torch.tensor([[0.0, -2.0], [-1.0, 3.0]]) / ((14 / 3) ** 0.5 + 1e-4)
    torch.testing.assert_close(standardized_by_batch(rewards), expected)
    assert standardized_by_batch(torch.tensor([[1.0], [0.0]])).sum() == 0  # G is 1


def test_the_batch_scales_what_the_groups_have_centered():
    rewards = torch.tensor([[2.0, 0.0], [1.0, 5.0]])  # centered 1, -1, -2, 2
    expected = torch.tensor([[1.0, -1.0], [-2.0, 2.0]]) / ((10 / 3) ** 0.5 + 1e-4)
    torch.testing.assert_close(scaled_by_batch(rewards), expected)


def test_what_is_not_scored_does_not_count_in_a_batch():
    nan = float("nan")
    rewards = torch.tensor([[2.0, 0.0], [1.0, 5.0]])
    gaps = torch.tensor([[2.0, 0.0, nan], [nan, 1.0, 5.0], [nan, nan, nan]])
    for advantage in (standardized_by_batch, scaled_by_batch):
        found, expected = advantage(gaps), advantage(rewards)
        torch.testing.assert_close(found[0, :2], expected[0])
        torch.testing.assert_close(found[1, 1:], expected[1])
        assert (found[gaps.isnan()] == 0).all()


def test_beta_normalization_equals_the_formula_by_hand():
    # p is 1/4 and 3/4: m = 1/2, v = 1/8, a = b = (0.25 / 0.125 - 1) / 2 = 1/2.
    # Beta(7/6, 7/6) at p = 1/4 and 3/4, by scipy.
    rewards = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
    density = beta.pdf(0.25, 7 / 6, 7 / 6)
    expected = torch.tensor([[0.75, -0.25, -0.25, -0.25], [0.25, 0.25, 0.25, -0.75]]) / density
    torch.testing.assert_close(beta_normalized(rewards), expected)


def test_beta_normalization_is_skewed_towards_what_is_common():
    rewards = torch.zeros(6, 10)
    for row, right in enumerate((1, 2, 2, 3, 4, 1)):
        rewards[row, :right] = 1.0
    share = rewards.mean(1)
    mean, variance = share.mean().item(), share.var().item()
    size = mean * (1 - mean) / variance - 1
    density = beta.pdf(share.numpy(), 1 + size * mean / 3, 1 + size * (1 - mean) / 3)
    expected = (rewards - share[:, None]) / torch.tensor(density)[:, None]
    torch.testing.assert_close(beta_normalized(rewards), expected.float())


def test_beta_normalization_without_a_beta_only_centers():
    for rewards in (torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])):
        torch.testing.assert_close(beta_normalized(rewards), centered(rewards))
    extreme = torch.tensor([[1.0, 1.0], [0.0, 0.0], [float("nan"), float("nan")]])
    assert (beta_normalized(extreme) == 0).all()


def test_beta_normalization_refuses_rewards_that_are_no_chances():
    with pytest.raises(ValueError, match=r"one is 1\.5; set it as `per_reward`"):
        beta_normalized(torch.tensor([[1.5, 0.0]]))


@given(values=st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=1, max_size=6))
def test_flat_groups_are_those_without_two_different_scores(values):
    known = {value for value in values if value == value}
    assert flat(torch.tensor([values])).tolist() == [len(known) == 1]


def test_accepted_responses_weigh_alike_and_those_of_all_processes_are_counted():
    nan = float("nan")
    totals = torch.tensor([[1.0, 0.5, 2.0], [nan, 0.0, 0.3], [1.0, 1.0, 1.0]])
    # 8 are scored, 5 reach 1: each has 8 / 5
    expected = torch.tensor([[1.6, 0.0, 1.6], [0.0, 0.0, 0.0], [1.6, 1.6, 1.6]])
    torch.testing.assert_close(Accepted(threshold=1.0)(totals), expected)
    # of the first group only the best, of the last all: 4 of 8
    best = torch.tensor([[0.0, 0.0, 2.0], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0]])
    torch.testing.assert_close(Accepted(threshold=1.0, best=True)(totals), best)


def test_weights_that_add_up_to_the_threshold_reach_it():
    total = torch.tensor([[0.1], [0.0]]) + torch.tensor([[0.2], [0.0]]) + 0.7
    assert total[0, 0] < 1.0 + 1e-7
    assert (Accepted(threshold=0.1 + 0.2 + 0.7)(total) > 0).flatten().tolist() == [True, False]


def test_nobody_accepted_is_worth_nothing():
    assert (Accepted()(torch.tensor([[0.0, float("nan")]])) == 0).all()
    assert (Accepted(best=True)(torch.full((2, 2), float("nan"))) == 0).all()

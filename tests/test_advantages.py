"""Advantages: hand-derived values and invariants."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from emolit.advantages import centered, leave_one_out, standardized

rows = st.lists(st.floats(-10, 10, width=32), min_size=2, max_size=8)


def test_standardized_equals_the_formula_by_hand():
    rewards = torch.tensor([[2.0, 0.0, 1.0]])  # mean 1, sample deviation 1
    expected = torch.tensor([[1.0, -1.0, 0.0]]) / (1 + 1e-4)
    torch.testing.assert_close(standardized(rewards), expected)


def test_leave_one_out_compares_with_the_others():
    rewards = torch.tensor([[3.0, 1.0, 2.0, 0.0]])
    expected = [3 - 1, 1 - 5 / 3, 2 - 4 / 3, 0 - 2]
    torch.testing.assert_close(leave_one_out(rewards), torch.tensor([expected]))


@pytest.mark.parametrize("advantage", [centered, standardized, leave_one_out])
@given(rewards=rows)
def test_a_group_sums_to_zero_and_order_inside_it_changes_nothing(advantage, rewards):
    values = torch.tensor([rewards])
    result = advantage(values)
    assert result.sum().abs() < 1e-3 * (1 + result.abs().max())
    torch.testing.assert_close(advantage(values.flip(1)).flip(1), result, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("advantage", [centered, standardized, leave_one_out])
@given(reward=st.floats(-10, 10, width=32), group=st.integers(2, 64))
@example(reward=2.7446656227111816, group=3)
def test_equal_rewards_are_worth_exactly_nothing(advantage, reward, group):
    assert (advantage(torch.full((1, group), reward)) == 0).all()


@pytest.mark.parametrize("advantage", [centered, standardized, leave_one_out])
def test_unscored_responses_get_zero_and_leave_the_others_alone(advantage):
    scored = advantage(torch.tensor([[1.0, 0.0, 2.0]]))
    with_gap = advantage(torch.tensor([[1.0, float("nan"), 0.0, 2.0]]))
    assert with_gap[0, 1] == 0
    torch.testing.assert_close(with_gap[:, [0, 2, 3]], scored)


def test_a_group_of_one_cannot_be_standardized():
    with pytest.raises(ValueError, match="group_size is 1"):
        standardized(torch.ones(3, 1))

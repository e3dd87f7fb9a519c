"""What holds of every advantage, and which groups are flat."""

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from emolit.advantages import centered, leave_one_out, scaled_by_batch, standardized
from emolit.advantages.base import flat

rows = st.lists(st.floats(-10, 10, width=32), min_size=2, max_size=8)


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


@given(values=st.lists(st.sampled_from([0.0, 1.0, float("nan")]), min_size=1, max_size=6))
def test_flat_groups_are_those_without_two_different_scores(values):
    known = {value for value in values if value == value}
    assert flat(torch.tensor([values])).tolist() == [len(known) == 1]

"""Rewards over the global batch, by hand."""

import torch

from emolit.advantages import scaled_by_batch, standardized_by_batch


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

"""Rewards standardized within their group, by hand."""

import pytest
import torch

from emolit.advantages import standardized


def test_standardized_equals_the_formula_by_hand():
    rewards = torch.tensor([[2.0, 0.0, 1.0]])  # mean 1, sample deviation 1
    expected = torch.tensor([[1.0, -1.0, 0.0]]) / (1 + 1e-4)
    torch.testing.assert_close(standardized(rewards), expected)


def test_a_group_of_one_cannot_be_standardized():
    with pytest.raises(ValueError, match="group_size is 1"):
        standardized(torch.ones(3, 1))

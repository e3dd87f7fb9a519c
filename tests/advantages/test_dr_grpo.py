"""Rewards less the mean of their group, by hand."""

import torch

from emolit.advantages import centered


def test_centered_rewards_keep_their_scale():
    rewards = torch.tensor([[2.0, 0.0, 1.0], [10.0, 0.0, 2.0]])
    expected = torch.tensor([[1.0, -1.0, 0.0], [6.0, -4.0, -2.0]])
    torch.testing.assert_close(centered(rewards), expected)

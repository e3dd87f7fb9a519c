"""Beta normalization: by hand, and against scipy's density."""

import pytest
import torch
from scipy.stats import beta

from emolit.advantages import beta_normalized, centered


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

"""MaxRL: by hand, and as the gradient that the paper derives."""

import pytest
import torch

from emolit.advantages import mean_normalized


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

"""The reward for length: both published forms by hand, counted in tokens of the mask."""

from dataclasses import replace

import pytest
import torch

from emolit.errors import ConfigError
from emolit.rewards.length import Length
from tests.rewards.test_base import rollout


def dapo(n, longest, cache):
    """Equation 13 of arXiv 2503.14476, branch by branch."""
    if n <= longest - cache:
        return 0.0
    if n <= longest:
        return ((longest - cache) - n) / cache
    return -1.0


def audsemthinker(n, target):
    return min(1.0, max(0.0, 0.1 * (target - n) + 0.5))


def test_soft_overlong_is_equation_13():
    tokens = torch.arange(0, 90)
    expected = torch.tensor([dapo(n, 64, 16) for n in range(90)])
    torch.testing.assert_close(Length().worth(tokens), expected)


def test_the_target_form_is_the_published_one():
    expected = torch.tensor([audsemthinker(n, 100) for n in range(200)])
    found = Length(free=105, fade=10, low=0.0, high=1.0).worth(torch.arange(200))
    torch.testing.assert_close(found, expected)


def test_tokens_of_the_mask_are_counted():
    drawn = rollout()
    mask = torch.zeros(1, 2, 60, dtype=torch.bool)
    mask[0, 0, :10] = mask[0, 1, :56] = True
    assert Length()(replace(drawn, mask=mask)).values.tolist() == [[0.0, -0.5]]


@pytest.mark.parametrize("settings", [{"fade": 0}, {"low": 1.0}])
def test_a_ramp_that_does_not_fall_is_refused(settings):
    with pytest.raises(ConfigError, match="low < high"):
        Length(**settings)

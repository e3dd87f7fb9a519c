"""F-GRPO: GRPO's advantage, weighed by the share that fails."""

import pytest
import torch

from emolit.advantages import Focal, standardized
from emolit.errors import ConfigError

NAN = float("nan")
REWARDS = torch.tensor([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0], [0.9, 0.5, 0.0, NAN]])


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_each_group_is_weighed_by_its_failures(gamma):
    by_hand = torch.tensor([0.75, 0.25, 1.0]).pow(gamma).unsqueeze(1) * standardized(REWARDS)
    torch.testing.assert_close(Focal(gamma)(REWARDS), by_hand)


def test_what_succeeds_is_a_setting_and_unscored_responses_are_none():
    found = Focal(1.0, success=0.5)(REWARDS)
    torch.testing.assert_close(found[2], standardized(REWARDS)[2] / 3)


def test_a_weight_that_grows_with_success_is_refused():
    with pytest.raises(ConfigError, match="0 or more"):
        Focal(gamma=-1.0)


def test_a_group_that_always_succeeds_learns_nothing():
    assert not Focal()(torch.tensor([[1.0, 1.2, 1.1]])).any()

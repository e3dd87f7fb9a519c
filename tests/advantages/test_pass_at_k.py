"""Pass@k training: the analytic form against all groups of k, one by one."""

from itertools import combinations

import pytest
import torch

from emolit.advantages import PassAtK
from emolit.errors import ConfigError

NAN = float("nan")


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("successes", [1, 2, 3])
def test_it_is_the_mean_over_all_groups_of_k_that_have_the_response(k, successes):
    rewards = [1.0] * successes + [0.0] * (6 - successes)
    groups = list(combinations(range(6), k))
    worth = {group: max(rewards[i] for i in group) for group in groups}
    mean = sum(worth.values()) / len(groups)
    deviation = (mean * (1 - mean)) ** 0.5
    found = PassAtK(k)(torch.tensor([rewards]))[0]
    for response in range(6):
        mine = [worth[group] for group in groups if response in group]
        by_hand = (sum(mine) / len(mine) - mean) / deviation if 0 < mean < 1 else 0.0
        assert found[response].item() == pytest.approx(by_hand, abs=1e-6)


def test_where_any_draw_succeeds_or_none_does_nothing_is_learned():
    rewards = torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert not PassAtK(2)(rewards).any()


def test_an_unscored_response_is_not_of_the_group():
    found = PassAtK(2)(torch.tensor([[1.0, 0.0, 0.0, NAN]]))
    torch.testing.assert_close(found[:, :3], PassAtK(2)(torch.tensor([[1.0, 0.0, 0.0]])))
    assert found[0, 3] == 0


def test_more_than_a_group_and_less_than_one_are_refused():
    with pytest.raises(ValueError, match="k 4 and groups of 2"):
        PassAtK(4)(torch.zeros(1, 2))
    with pytest.raises(ConfigError, match="1 or more"):
        PassAtK(0)

"""What objectives over options are made of."""

import pytest
import torch

from emolit.errors import RewardError
from emolit.objectives.over_options import check_worth, mean_over_clips, option_logs
from tests.objectives.cases import scored

NAN = float("nan")


def test_the_probability_of_a_reply_is_the_product_over_its_tokens():
    logs = torch.tensor([[[0.5, 0.5], [0.125, 9.0]]]).log()
    mask = torch.tensor([[[True, True], [True, False]]])
    assert option_logs(logs, mask, False).exp().tolist() == [[0.25, 0.125]]
    assert option_logs(logs, mask, True).exp().tolist()[0] == pytest.approx([2 / 3, 1 / 3])


def test_clips_without_rewards_are_left_out_of_the_mean():
    total = torch.tensor([[1.0, 0.0], [NAN, NAN], [0.0, 1.0]])
    given = scored(total.unsqueeze(-1), torch.ones(3, 2, 1, dtype=torch.bool), total)
    assert mean_over_clips(torch.tensor([1.0, NAN, 4.0]), given).item() == 2.5


@pytest.mark.parametrize(
    ("total", "message"),
    [([[0.5, -0.25]], "An option earns -0.25"), ([[0.0, 0.0]], "No option of a clip earns")],
)
def test_rewards_without_a_logarithm_are_refused(total, message):
    with pytest.raises(RewardError, match=message):
        check_worth(torch.tensor(total))


def test_clips_that_are_not_scored_are_not_refused():
    check_worth(torch.tensor([[NAN, NAN], [1.0, 0.0]]))

"""What objectives over options are made of."""

from dataclasses import replace

import pytest
import torch

from emolit.errors import RewardError
from emolit.objectives.expected_reward import ExpectedReward
from emolit.objectives.over_options import check_worth, mean_over_clips, option_logs
from emolit.objectives.soft_labels import SoftLabels
from tests.objectives.cases import scored
from tests.tasks.toy import asked

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


def given(total):
    total = torch.tensor(total)
    return scored(total.unsqueeze(-1), torch.ones(*total.shape, 1, dtype=torch.bool), total)


@pytest.mark.parametrize(
    ("total", "message"),
    [([[0.5, -0.25]], "An option earns -0.25"), ([[0.0, 0.0]], "No option earns anything")],
)
def test_rewards_without_a_logarithm_are_refused(total, message):
    with pytest.raises(RewardError, match=message):
        check_worth(given(total))


def test_the_clip_is_named_where_it_is_known():
    two = given([[1.0, 0.0], [0.0, 0.0]])
    told = replace(two, rollout=replace(two.rollout, batch=asked(2)))
    with pytest.raises(RewardError, match="on the clip '1' of 'toy'"):
        check_worth(told)


def test_clips_that_are_not_scored_are_not_refused():
    check_worth(given([[NAN, NAN], [1.0, 0.0]]))


@pytest.mark.parametrize(
    "objective", [ExpectedReward(), ExpectedReward(0.0), ExpectedReward(0.5), SoftLabels()]
)
def test_clips_that_are_not_scored_leave_no_gradient(objective):
    logs = torch.full((2, 2, 1), -0.7, requires_grad=True)
    objective(logs, given([[NAN, NAN], [1.0, 0.0]])).loss.backward()
    assert not logs.grad[0].any() and torch.isfinite(logs.grad).all() and logs.grad[1].any()

"""The sum of rewards: what does not apply is left out, what failed leaves no total."""

import pytest
import torch

from emolit.advantages import standardized
from emolit.errors import ConfigError
from emolit.rewards.base import Scores
from emolit.rewards.correct import Correct
from emolit.rl.schedule import LinearFade
from emolit.tasks.totals import hold_rewards, mask_incomplete, weighted_sum
from tests.rewards.test_base import Returns, rollout

NAN = float("nan")


def total_of(rewards, scores, progress=0.0):
    return weighted_sum(rewards, mask_incomplete(rewards, scores, progress), progress)


def test_none_does_not_apply_and_leaves_the_sum_alone():
    does_not_apply, applies = Returns(None, name="a"), Returns(2.0, weight=0.5, name="b")
    scores = {reward.name: reward(rollout()) for reward in (does_not_apply, applies)}
    assert scores["a"].values.isnan().all() and not scores["a"].failed.any()
    assert total_of([does_not_apply, applies], scores).tolist() == [[1.0, 1.0]]
    assert total_of([does_not_apply], scores).isnan().all()


def test_weight_zero_watches_without_training():
    watched, trained = Returns(5.0, weight=0.0, name="a"), Returns(1.0, name="b")
    scores = {reward.name: reward(rollout()) for reward in (watched, trained)}
    assert total_of([watched, trained], scores).tolist() == [[1.0, 1.0]]


def test_two_rewards_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="'correct'"):
        hold_rewards([Correct(), Correct()])
    held = hold_rewards([Correct(), Correct(name="again")])
    assert [reward.name for reward in held] == ["correct", "again"]


def said(values, failed=None):
    values = torch.tensor([values])
    return Scores(values, torch.tensor([failed or [False] * values.shape[1]]))


def test_a_response_on_which_one_reward_failed_has_no_total():
    """Unlike one to which a reward does not apply, whose other rewards still count."""
    rewards = [Correct(name="a"), Correct(name="b", weight=0.5)]
    scores = {"a": said([1.0, 1.0, 1.0]), "b": said([2.0, NAN, NAN], [False, False, True])}
    total = total_of(rewards, scores)
    assert total[0, :2].tolist() == [2.0, 1.0]  # 1 + 0.5 * 2; only the first applies
    assert total[0, 2].isnan()
    assert standardized(total)[0, 2] == 0  # no gradient, and not in its group's mean
    assert standardized(total)[0, :2].sum() == 0


def test_a_watched_reward_that_fails_takes_nothing_away():
    rewards = [Correct(name="a"), Correct(name="b", weight=0.0)]
    scores = {"a": said([1.0, 0.0]), "b": said([NAN, NAN], [True, True])}
    assert total_of(rewards, scores).tolist() == [[1.0, 0.0]]


def test_a_weight_follows_the_training():
    rewards = [Correct(name="a"), Correct(name="b", weight=LinearFade(start=4.0))]
    scores = {"a": said([1.0, NAN, NAN]), "b": said([1.0, 1.0, NAN], [False, False, True])}
    assert total_of(rewards, scores, 0.5)[0, :2].tolist() == [3.0, 2.0]
    faded = total_of(rewards, scores, 1.0)
    assert faded[0, :2].tolist() == [1.0, 0.0]  # still known where only `b` applies
    assert faded[0, 2].isnan()
    alone = {"b": said([1.0, 1.0])}
    assert total_of(rewards[1:], alone, 1.0).tolist() == [[0.0, 0.0]]


def test_without_a_weight_nothing_can_train():
    with pytest.raises(ConfigError, match="No reward has a weight"):
        total_of([Correct(weight=0.0)], {"correct": said([1.0])})

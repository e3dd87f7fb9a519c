"""What every reward promises: finite, named, never a silent zero."""

import pytest
import torch

from emolit.errors import ConfigError, RewardError
from emolit.rewards import Reward
from emolit.rewards.base import check_names, weighted_sum
from emolit.rewards.correct import Correct
from emolit.rewards.well_formed import WellFormed
from emolit.types import Batch, Clip, Rollout, Sampling


class Returns(Reward):
    """Returns or raises what it is told."""

    def __init__(self, value, weight=1.0, name="told"):
        super().__init__(weight, name)
        self.value = value

    def score(self, clip, response, answer):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


def rollout(responses=(("yes", "no"),), answers=(("sad", None),), label="sad"):
    clips = tuple(Clip(f"c{i}", "toy", f"{i}.wav", label=label) for i in range(len(responses)))
    batch = Batch(clips, ("?",) * len(clips), (None,) * len(clips), ("sad",), (), 16_000)
    shape = (len(responses), len(responses[0]), 1)
    return Rollout(
        batch,
        torch.zeros(shape, dtype=torch.long),
        torch.ones(shape, dtype=torch.bool),
        torch.zeros(shape),
        torch.ones(shape[:2], dtype=torch.bool),
        responses,
        Sampling(),
        answers,
    )


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), float("-inf"), "high", [1, 2], 10**400]
)
def test_a_value_that_is_no_finite_number_stops_the_run_with_context(value):
    with pytest.raises(RewardError, match=r"'told' on clip 'c0' of 'toy' returned .*'yes'"):
        Returns(value)(rollout())


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError("a"),
        KeyError("b"),
        ValueError("c"),
        TypeError("d"),
        AttributeError("e"),
        RuntimeError("f"),
        TimeoutError("g"),
        AssertionError("h"),
        RecursionError("i"),
    ],
)
def test_a_crash_stops_the_run_with_context(error):
    with pytest.raises(RewardError, match=r"'told' on clip 'c0' of 'toy' failed .*'yes'") as raised:
        Returns(error)(rollout())
    assert raised.value.__cause__ is error


def test_none_does_not_apply_and_leaves_the_sum_alone():
    does_not_apply, applies = Returns(None, name="a"), Returns(2.0, weight=0.5, name="b")
    scores = {reward.name: reward(rollout()) for reward in (does_not_apply, applies)}
    assert scores["a"].isnan().all()
    assert weighted_sum([does_not_apply, applies], scores).tolist() == [[1.0, 1.0]]
    assert weighted_sum([does_not_apply], scores).isnan().all()


def test_weight_zero_watches_without_training():
    watched, trained = Returns(5.0, weight=0.0, name="a"), Returns(1.0, name="b")
    scores = {reward.name: reward(rollout()) for reward in (watched, trained)}
    assert weighted_sum([watched, trained], scores).tolist() == [[1.0, 1.0]]


def test_two_rewards_of_one_name_are_refused():
    with pytest.raises(ConfigError, match="'correct'"):
        check_names([Correct(), Correct()])
    check_names([Correct(), Correct(name="again")])


def test_names_are_snake_case():
    assert [Correct().name, WellFormed().name] == ["correct", "well_formed"]


def test_scores_keep_the_place_of_their_response():
    result = Correct()(rollout((("a", "b"), ("c", "d")), (("sad", None), (None, "sad"))))
    assert result.tolist() == [[1.0, 0.0], [0.0, 1.0]]


class Batched(Reward):
    """Scores a rollout at once, with a model of its own."""

    def __init__(self, scores):
        super().__init__()
        self.model = torch.nn.Dropout(0.9)
        self.factor = torch.nn.Parameter(torch.ones(1))
        self.scores = torch.tensor(scores)

    def score(self, clip, response, answer):
        raise NotImplementedError

    def score_all(self, rollout):
        return self.model(self.scores) * self.factor


def test_a_batched_reward_is_checked_like_any_other():
    assert Batched([[0.5, float("nan")]])(rollout()).isnan().tolist() == [[False, True]]
    with pytest.raises(RewardError, match=r"'c0' of 'toy' returned inf for the response 'no'"):
        Batched([[0.5, float("inf")]])(rollout())
    with pytest.raises(RewardError, match=r"returned the shape \(2, 1\) .* return \(1, 2\)"):
        Batched([[0.5], [0.5]])(rollout())


def test_a_reward_never_trains_its_model():
    reward = Batched([[0.5, 0.25]]).train()
    assert not any(module.training for module in reward.modules())
    scores = reward(rollout())
    assert scores.tolist() == [[0.5, 0.25]]
    assert not scores.requires_grad

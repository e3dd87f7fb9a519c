"""What every reward promises: finite, named, never a silent zero."""

import asyncio
import time

import pytest
import torch

from emolit.errors import NonFiniteError, RewardError
from emolit.judges.guard import Guard
from emolit.rewards import Reward
from emolit.rewards.base import BatchedReward
from emolit.rewards.correct import Correct
from emolit.rewards.well_formed import WellFormed
from emolit.types import Batch, Clip, Rollout, Sampling

NAN = float("nan")
SILENT, SKIP = Guard(), Guard(on_error="skip")


class Returns(Reward):
    """Returns or raises what it is told."""

    def __init__(self, value, weight=1.0, name="told", guard=SILENT):
        super().__init__(weight, name, guard)
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
    "value", [float("nan"), float("inf"), float("-inf"), 1e39, "high", [1, 2], 10**400]
)
def test_a_value_that_is_no_finite_number_stops_the_run_with_context(value):
    said = r"'told' on clip 'c0' of 'toy' returned .*'yes'"
    with pytest.raises(RewardError, match=said) as caught:
        Returns(value)(rollout())
    assert isinstance(caught.value, NonFiniteError) == isinstance(value, float)


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


def test_names_are_snake_case():
    assert [Correct().name, WellFormed().name] == ["correct", "well_formed"]


def test_scores_keep_the_place_of_their_response():
    result = Correct()(rollout((("a", "b"), ("c", "d")), (("sad", None), (None, "sad"))))
    assert result.values.tolist() == [[1.0, 0.0], [0.0, 1.0]]


class Batched(BatchedReward):
    """Scores a rollout at once, with a model of its own."""

    def __init__(self, scores, guard=SILENT):
        super().__init__(guard=guard)
        self.model = torch.nn.Dropout(0.9)
        self.factor = torch.nn.Parameter(torch.ones(1))
        self.scores = torch.tensor(scores)

    def score_all(self, rollout):
        return self.model(self.scores) * self.factor


def test_a_batched_reward_is_checked_like_any_other():
    assert Batched([[0.5, NAN]])(rollout()).values.isnan().tolist() == [[False, True]]
    with pytest.raises(RewardError, match=r"'c0' of 'toy' returned inf for the response 'no'"):
        Batched([[0.5, float("inf")]])(rollout())
    with pytest.raises(RewardError, match=r"returned the shape \(2, 1\) .* return \(1, 2\)"):
        Batched([[0.5], [0.5]])(rollout())


def test_a_reward_never_trains_its_model():
    reward = Batched([[0.5, 0.25]]).train()
    assert not any(module.training for module in reward.modules())
    scores = reward(rollout()).values
    assert scores.tolist() == [[0.5, 0.25]]
    assert not scores.requires_grad


class Crashes(Batched):
    """Fails as a whole."""

    def score_all(self, rollout):
        raise ValueError("no numbers")


def test_a_batched_reward_that_crashes_names_its_clips():
    with pytest.raises(RewardError, match=r"'crashes' on the clips \['c0'\] failed with .*Error"):
        Crashes([[]])(rollout())


def test_a_batched_reward_refuses_a_response_by_itself():
    with pytest.raises(RewardError, match="scores whole rollouts"):
        Batched([[0.5, 0.5]]).score(None, "yes", None)


class Flaky(Reward):
    """Fails on "no", and does not apply to "none"."""

    def score(self, clip, response, answer):
        self.counts["calls"] += 1
        if response == "no":
            raise ValueError("cannot")
        return None if response == "none" else 1.0


def test_a_failure_is_skipped_by_explicit_setting_and_counted():
    reward = Flaky(guard=SKIP)
    with pytest.warns(UserWarning, match="'flaky' failed with ValueError.*not scored"):
        scores = reward(rollout((("yes", "no", "none"),), (("sad",) * 3,)))
    assert scores.values.isnan().tolist() == [[False, True, True]]
    assert scores.failed.tolist() == [[False, True, False]]
    assert reward.counts["unscored"] == 1 and reward.counted_names == ("unscored",)
    reward(rollout((("yes", "yes"),)))
    assert reward.counts["unscored"] == 0  # of the last rollout


@pytest.mark.parametrize("value", [NAN, float("inf"), "high"])
def test_a_value_that_is_no_number_is_skipped_like_a_crash(value):
    with pytest.warns(UserWarning, match="'told' returned"):
        assert Returns(value, guard=SKIP)(rollout()).failed.all()


def test_a_batched_failure_is_skipped_as_a_whole_or_where_it_is_infinite():
    with pytest.warns(UserWarning, match="not scored"):
        assert Crashes([[]], guard=SKIP)(rollout()).failed.tolist() == [[True, True]]
    with pytest.warns(UserWarning, match="returned -inf"):
        scores = Batched([[0.5, float("-inf")]], guard=SKIP)(rollout())
    assert scores.failed.tolist() == [[False, True]] and scores.values[0, 0] == 0.5


def test_too_late_is_a_failure():
    class Late(Reward):
        async def score(self, clip, response, answer):
            await asyncio.sleep(0 if response == "yes" else 30)
            return 1.0

    with pytest.raises(RewardError, match=r"'late' .* longer than 0.05 s.*'no'"):
        Late(guard=Guard(timeout=0.05))(rollout())
    with pytest.warns(UserWarning, match="longer than"):
        scores = Late(guard=Guard(timeout=0.05, on_error="skip"))(rollout())
    assert scores.failed.tolist() == [[False, True]]


def test_a_batched_reward_is_late_as_a_whole():
    class Asleep(Batched):
        def score_all(self, rollout):
            time.sleep(0.5)
            return super().score_all(rollout)

    reward = Asleep([[0.5, 0.5]], guard=Guard(timeout=0.05))
    with pytest.raises(RewardError, match=r"longer than 0.05 s"):
        reward(rollout())
    reward.guard = Guard(timeout=30.0)
    scores = reward(rollout()).values
    assert scores.tolist() == [[0.5, 0.5]] and not scores.requires_grad  # in its thread too


def test_equal_responses_to_a_clip_are_scored_once():
    reward = Flaky()
    responses = (("yes", "yes", "maybe"), ("yes", "yes", "yes"))
    assert reward(rollout(responses, (("sad",) * 3,) * 2)).values.tolist() == [[1.0] * 3] * 2
    assert reward.counts["calls"] == 3

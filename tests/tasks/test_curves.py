"""Curves of rewards: against torch, over processes, and with the same length whatever applies."""

import numpy as np
import pytest
import torch

from emolit.judges.guard import Guard
from emolit.rewards.correct import Correct
from emolit.rl.schedule import CosineFade
from emolit.tasks.curves import (
    answer_curves,
    curves,
    length_curves,
    mean_and_deviation,
    rollout_curves,
    sampling_gap,
    sums,
    tally,
)
from emolit.types import Rollout, Sampling, ScoredRollout

NAN = float("nan")


def scored(total, **rewards):
    return ScoredRollout(None, rewards, total, total)


def test_mean_and_deviation_are_those_of_torch():
    torch.manual_seed(0)
    values = torch.randn(3, 4, 5) + 100
    values[0, 1, 2] = values[2] = NAN
    mean, deviation = mean_and_deviation(tally(values))
    for row in (0, 1):
        known = values[row][~values[row].isnan()]
        assert mean[row].item() == pytest.approx(known.mean().item())
        assert deviation[row].item() == pytest.approx(known.std(correction=0).item(), rel=1e-4)
    assert mean[2].isnan() and deviation[2].isnan()


def test_two_processes_add_up_to_one():
    rewards = [Correct(name="a"), Correct(name="b", guard=Guard(on_error="skip"))]
    torch.manual_seed(0)
    a, b, total = torch.rand(3, 4, 2)
    b[:2] = NAN  # does not apply to anything that the first process has
    rewards[1].counts["unscored"] = 2
    parts = [
        sums(rewards, scored(total[half], a=a[half], b=b[half]))
        for half in (slice(0, 2), slice(2, 4))
    ]
    assert parts[0].shape == parts[1].shape
    rewards[1].counts["unscored"] = 4
    whole = curves(rewards, sums(rewards, scored(total, a=a, b=b)), 0.0)
    added = curves(rewards, parts[0] + parts[1], 0.0)
    assert added.keys() == whole.keys()
    for name, value in whole.items():
        assert added[name].item() == pytest.approx(value.item()), name
    assert whole["reward/b"].item() == pytest.approx(b[2:].mean().item())
    assert whole["reward/b_unscored"].item() == 4


def test_names_say_what_there_is():
    watched = [Correct(weight=CosineFade(start=2.0)), Correct(name="none")]
    ones = torch.ones(1, 2)
    summed = sums(watched, scored(ones, correct=ones, none=ones * NAN))
    assert curves(watched, summed, progress=0.5) == {
        "train/reward": 1.0,
        "train/reward_sd": 0.0,
        "reward/correct": 1.0,
        "reward/correct_sd": 0.0,
        "reward/correct_weight": 1.0,  # half of 2
    }


def test_curves_of_a_rollout_stay_on_its_device():  # NCCL averages nothing that is on the host
    values = torch.zeros(2, 3, 4, device="meta")
    each = torch.zeros(2, 3, device="meta")
    responses, answers = (("a",) * 3,) * 2, (("a", None, "a"),) * 2
    rollout = Rollout(
        None, values.long(), values == 0, values, each == 0, responses, Sampling(), answers,
        entropy=values,
    )  # fmt: skip
    found = rollout_curves(ScoredRollout(rollout, {}, each, each))
    assert len(found) == 4
    assert {name: value.device.type for name, value in found.items()} == dict.fromkeys(
        found, "meta"
    )


def test_lengths_are_those_of_numpy_and_of_what_ended_apart():
    random = np.random.RandomState(0)
    lengths, finished = random.randint(1, 100, 40), random.rand(40) < 0.5
    found = length_curves(torch.from_numpy(lengths), torch.from_numpy(finished))
    for start, some in (("tokens/", lengths), ("tokens/finished_", lengths[finished])):
        expected = {
            "mean": some.mean(), "min": some.min(), "median": np.median(some),
            "p90": np.quantile(some, 0.9), "max": some.max(),
        }  # fmt: skip
        for name, value in expected.items():
            assert found[start + name].item() == pytest.approx(value), start + name


def test_where_nothing_ended_only_all_lengths_are_there():
    found = length_curves(torch.tensor([7, 7]), torch.tensor([False, False]))
    assert set(found) == {f"tokens/{name}" for name in ("mean", "min", "median", "p90", "max")}


def answered(*answers, behavior=None):
    groups = tuple((answer,) for answer in answers)
    values = torch.zeros(len(answers), 1, 2) if behavior is None else behavior
    ended = torch.ones(len(answers), 1, dtype=torch.bool)
    mask = torch.tensor([True, False]).expand(values.shape)
    return Rollout(None, values.long(), mask, values, ended, groups, Sampling(), groups)


def test_answers_are_shares_of_all_responses_unreadable_ones_included():
    found = answer_curves(answered("sad", None, "sad", "happy"), ("happy", "sad", "calm"))
    assert {name: value.item() for name, value in found.items()} == {
        "said/happy": 0.25, "said/sad": 0.5, "said/calm": 0.0,
    }  # fmt: skip
    assert answer_curves(answered(("sad", "tired")), ()) == {}


def test_the_gap_is_of_the_tokens_of_responses():
    rollout = answered("a", "b", behavior=torch.tensor([[[0.5, 9.0]], [[-1.0, 9.0]]]))
    total = torch.ones(2, 1)
    assert sampling_gap(ScoredRollout(rollout, {}, total, total)) is None
    mean, largest = sampling_gap(
        ScoredRollout(rollout, {}, total, total, sampled=torch.zeros(2, 1, 2))
    )
    assert (mean.item(), largest.item()) == (0.75, 1.0)

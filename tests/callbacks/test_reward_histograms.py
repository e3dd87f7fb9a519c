"""Histograms of rewards, read back from TensorBoard's own files."""

from dataclasses import replace

import pytest
import torch

from emolit.callbacks.reward_histograms import RewardHistograms
from tests.callbacks.tiny import Loader, Told, batch_of, events, rollout, trainer

pytestmark = pytest.mark.filterwarnings("ignore:You defined a `validation_step`")  # not needed here
SCORED = rollout([["a", "b"], ["c", "d"]], [["sad", None], ["happy", None]])


def drawn(folder, scored, batches=5):
    run = trainer(folder, RewardHistograms(every_n_steps=2))
    run.fit(Told({}, scored=scored), Loader(*[batch_of()] * batches))
    return events(folder)


def test_each_reward_and_the_total_are_drawn_in_their_turn(tmp_path):
    board = drawn(tmp_path, SCORED)
    assert set(board.Tags()["histograms"]) == {
        "spread/reward/correct", "spread/reward/well_formed", "spread/train/reward",
    }  # fmt: skip
    entries = board.Histograms("spread/reward/correct")
    assert [entry.step for entry in entries] == [1, 3, 5]
    first = entries[0].histogram_value
    assert (first.num, first.sum, first.min, first.max) == (3, 3.0, 1.0, 1.0)  # one does not apply


def test_what_nobody_scored_is_not_drawn(tmp_path):
    nothing = torch.full((2, 2), torch.nan)
    silent = replace(SCORED, rewards={"correct": nothing}, total=nothing)
    assert drawn(tmp_path, silent).Tags()["histograms"] == []


def test_a_task_without_rewards_is_left_alone(tmp_path):
    assert drawn(tmp_path, None).Tags()["histograms"] == []

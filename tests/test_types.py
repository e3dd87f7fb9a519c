"""What flows: frozen, sized, and left alone by device transfers."""

from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from lightning.fabric.utilities import move_data_to_device

from emolit.types import Evaluation, Sampling, ScoredRollout


def test_lightning_moves_a_batch_and_leaves_its_audio_on_the_host(batch):
    assert move_data_to_device(batch, torch.device("cpu")) is batch
    evaluation = Evaluation(batch, ("",) * 5, (None,) * 5)
    assert move_data_to_device(evaluation, torch.device("cpu")) is evaluation


def test_a_batch_counts_its_clips_and_cannot_be_changed(batch):
    assert len(batch) == 5
    with pytest.raises(FrozenInstanceError):
        batch.options = ()


def test_rows_of_a_batch_keep_what_belongs_to_them(batch):
    part = batch.rows(slice(1, 3))
    assert part.clips == batch.clips[1:3]
    assert part.questions == batch.questions[1:3]
    assert part.targets == batch.targets[1:3]
    assert part.options == batch.options
    assert all(map(torch.equal, part.waveforms, batch.waveforms[1:3]))


def test_the_advantage_of_a_token_is_that_of_its_response_times_its_weight():
    gains = torch.tensor([[2.0, -1.0]])
    scored = ScoredRollout(None, {}, gains, gains)
    assert scored.token_advantages.tolist() == [[[2.0], [-1.0]]]
    weighted = replace(scored, weights=torch.tensor([[[1.0, 0.5], [0.0, 2.0]]]))
    assert weighted.token_advantages.tolist() == [[[2.0, 1.0], [0.0, -2.0]]]


def test_greedy_sampling_keeps_limits_and_drops_chance():
    greedy = Sampling(temperature=0.7, top_p=0.9, top_k=5, max_tokens=3, stop=("x",)).greedy()
    assert greedy == Sampling(temperature=0.0, top_p=1.0, top_k=0, max_tokens=3, stop=("x",))

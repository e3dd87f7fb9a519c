"""What flows: frozen, sized, and left alone by device transfers."""

from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from lightning.fabric.utilities import move_data_to_device

from emolit.types import Clip, Evaluation, Sampling, ScoredRollout


def test_lightning_moves_a_batch_and_leaves_its_audio_on_the_host(batch):
    assert move_data_to_device(batch, torch.device("cpu")) is batch
    evaluation = Evaluation(batch, ("",) * 5, (None,) * 5)
    assert move_data_to_device(evaluation, torch.device("cpu")) is evaluation


def test_a_batch_counts_its_clips_and_cannot_be_changed(batch):
    assert len(batch) == 5
    with pytest.raises(FrozenInstanceError):
        batch.options = ()


def test_the_advantage_of_a_token_is_that_of_its_response_times_its_weight():
    gains = torch.tensor([[2.0, -1.0]])
    scored = ScoredRollout(None, {}, gains, gains)
    assert scored.token_advantages.tolist() == [[[2.0], [-1.0]]]
    weighted = replace(scored, weights=torch.tensor([[[1.0, 0.5], [0.0, 2.0]]]))
    assert weighted.token_advantages.tolist() == [[[2.0, 1.0], [0.0, -2.0]]]


def test_no_weight_is_above_the_cap():
    gains = torch.tensor([[2.0, -1.0]])
    scored = ScoredRollout(None, {}, gains, gains, weights=torch.tensor([[[1.0, 3.0], [0.0, 9.0]]]))
    assert scored.token_advantages.tolist() == [[[2.0, 6.0], [0.0, -9.0]]]
    capped = replace(scored, cap=2.0)
    assert capped.token_advantages.tolist() == [[[2.0, 4.0], [0.0, -2.0]]]
    assert capped.weight_advantages(torch.tensor([[[5.0], [0.5]]])).tolist() == [[[4.0], [-0.5]]]


def test_greedy_sampling_keeps_limits_and_drops_chance():
    greedy = Sampling(temperature=0.7, top_p=0.9, top_k=5, max_tokens=3, stop=("x",)).greedy()
    assert greedy == Sampling(temperature=0.0, top_p=1.0, top_k=0, max_tokens=3, stop=("x",))


def test_a_clip_with_votes_can_be_a_key_and_is_told_from_one_with_others():
    clip = Clip("a", "toy", "a.wav", votes={"sad": 3})
    assert {clip: 1}[Clip("a", "toy", "a.wav", votes={"sad": 3})] == 1
    assert clip != Clip("a", "toy", "a.wav", votes={"sad": 2})


def test_the_gold_words_of_a_clip_are_its_words_or_its_label():
    assert Clip("a", "one", "a.wav", "sad", words=("low", "hurt")).emotions == ("low", "hurt")
    assert Clip("a", "one", "a.wav", "sad").emotions == ("sad",)
    assert Clip("a", "one", "a.wav").emotions == ()

"""Clips are measured once, in memory and on disk, and a changed one anew."""

from dataclasses import replace

import pytest
import torch

from emolit.engine.inputs.clip_features import ClipFeatures
from emolit.errors import PolicyError
from emolit.types import Batch, Clip


def heard(*waveforms, rate=16_000):
    clips = tuple(Clip(str(i), "toy", f"{i}.wav") for i in range(len(waveforms)))
    blank = ("",) * len(waveforms)
    return Batch(clips, blank, blank, (), tuple(waveforms), rate)


class Meter:
    """Measures sum and rate, and counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def __call__(self, waveform, rate):
        self.asked += 1
        return torch.tensor([float(waveform.sum()), float(rate)])


LOW, HIGH = torch.full((3,), 0.5), torch.full((5,), 1.0)


def test_equal_samples_are_measured_once_and_others_anew():
    meter = Meter()
    features = ClipFeatures(meter, lambda: "a")
    expected = torch.tensor([[1.5, 16_000], [5, 16_000], [1.5, 16_000]])
    assert torch.equal(features(heard(LOW, HIGH, LOW.clone())), expected)
    assert torch.equal(features(heard(HIGH)), expected[1:2])
    assert meter.asked == 2
    assert features(heard(LOW * 2))[0, 0] == 3
    assert features(heard(LOW, rate=8_000))[0, 1] == 8_000
    assert meter.asked == 4


def test_a_store_serves_the_next_run_unless_something_else_measures(tmp_path):
    store, first = str(tmp_path / "store"), Meter()
    wanted = ClipFeatures(first, lambda: "a", store)(heard(LOW, HIGH))
    again, other = Meter(), Meter()
    assert torch.equal(ClipFeatures(again, lambda: "a", store)(heard(LOW, HIGH)), wanted)
    ClipFeatures(other, lambda: "b", store)(heard(LOW, HIGH))
    assert (first.asked, again.asked, other.asked) == (2, 0, 2)


def test_nothing_is_remembered_of_sound_that_is_drawn_anew(tmp_path):
    meter = Meter()
    features = ClipFeatures(meter, lambda: "a", str(tmp_path / "store"))
    expected = torch.tensor([[1.5, 16_000]])
    for _ in range(2):
        assert torch.equal(features(replace(heard(LOW), augmented=True)), expected)
    assert meter.asked == 2
    assert not (tmp_path / "store").exists()
    features(heard(LOW))
    features(replace(heard(LOW), augmented=True))
    assert meter.asked == 4


def test_a_clip_of_text_alone_is_named():
    batch = heard(LOW, torch.zeros(0))
    with pytest.raises(PolicyError, match="clip '1' of 'toy' has no audio"):
        ClipFeatures(Meter(), lambda: "a")(batch)

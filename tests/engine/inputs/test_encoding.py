"""Audio at its rate, and inputs that a network does not take."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from emolit.engine.inputs.encoding import check_inputs, check_lengths, feature, pad_waveforms
from emolit.errors import PolicyError
from tests.conftest import part


def test_audio_at_another_rate_is_resampled(batch):
    time = torch.arange(16_000) / 16_000
    tone = torch.sin(2 * torch.pi * 300 * time)
    one = part(batch, slice(1))
    (found,) = pad_waveforms(replace(one, waveforms=(tone[::2],), sampling_rate=8_000), 16_000)
    assert len(found) == 16_000
    middle = slice(1_000, -1_000)  # the ends ring
    assert abs(found[middle] - tone.numpy()[middle]).max() < 0.02


def test_audio_at_its_own_rate_is_untouched_and_short_clips_are_padded_with_silence(batch):
    found = pad_waveforms(batch, 16_000, shortest=0.4)
    for waveform, clip in zip(batch.waveforms, found, strict=True):
        assert len(clip) == max(6_400, len(waveform))
        assert (clip[: len(waveform)] == waveform.numpy()).all()
        assert not clip[len(waveform) :].any()


def test_the_first_clip_beyond_the_window_is_named(batch):
    waveforms = pad_waveforms(batch, 16_000)
    check_lengths(batch, waveforms, 16_000, 0.75, "folder")
    check_lengths(batch, waveforms, 16_000, None, "folder")
    with pytest.raises(
        PolicyError, match=r"'clip3' of 'toy' has 0\.6 s, but 'folder' hears 0\.6 s"
    ):
        check_lengths(batch, waveforms, 16_000, 0.6, "folder")


class Network:
    def __init__(self, context):
        text = SimpleNamespace(max_position_embeddings=context)
        self.config = SimpleNamespace(get_text_config=lambda: text)

    def forward(self, input_ids, attention_mask): ...


def test_inputs_that_the_network_does_not_take_are_named():
    inputs = {"input_ids": torch.zeros(1, 3), "pixel_values": torch.zeros(1)}
    with pytest.raises(PolicyError, match=r"'folder' makes \['pixel_values'\], which Network does"):
        check_inputs(inputs, Network(10), "folder")


@pytest.mark.parametrize("context", [4, None])
def test_a_prompt_fits_below_the_context(context):
    check_inputs({"input_ids": torch.zeros(1, 3)}, Network(context), "folder")


def test_a_prompt_that_fills_the_context_is_refused():
    with pytest.raises(PolicyError, match="has 3 tokens, but the context of 'folder' is 3"):
        check_inputs({"input_ids": torch.zeros(1, 3)}, Network(3), "folder")


def test_a_clip_that_is_text_alone_cannot_be_heard(batch):
    silent = replace(batch, waveforms=(*batch.waveforms[:4], torch.zeros(0)))
    with pytest.raises(PolicyError, match="'clip4' of 'toy' has no audio, only text; choose the"):
        pad_waveforms(silent, 16_000, shortest=0.4)


def test_features_take_the_type_of_the_weights_and_times_do_not():
    assert feature(torch.zeros(2, 3))
    assert not feature(torch.zeros(2))
    assert not feature(torch.zeros(2, 3, dtype=torch.long))

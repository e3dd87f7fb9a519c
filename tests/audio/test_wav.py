"""WAV in base64: what is heard again is what was sent."""

import base64
from io import BytesIO

import pytest
import soundfile
import torch

from emolit.audio.wav import encode_wav


@pytest.mark.parametrize(("subtype", "apart"), [("PCM_16", 1.5 / 32768), ("FLOAT", 0.0)])
def test_a_reader_of_wav_hears_the_same(subtype, apart):
    waveform = 0.1 * torch.randn(800, generator=torch.Generator().manual_seed(0))
    file = BytesIO(base64.b64decode(encode_wav(waveform, 8_000, subtype)))
    heard, rate = soundfile.read(file, dtype="float32")
    assert (rate, len(heard)) == (8_000, 800)
    assert (torch.from_numpy(heard) - waveform).abs().max().item() <= apart

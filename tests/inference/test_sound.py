"""Files and samples are heard alike."""

import numpy as np
import pytest
import soundfile
import torch

from emolit.errors import AudioError
from emolit.inference.sound import as_frames, open_sound


def test_a_span_of_samples_is_that_of_the_file(tmp_path):
    stereo = 0.1 * np.random.default_rng(0).normal(size=(2, 44_100)).astype(np.float32)
    path = tmp_path / "a.wav"
    soundfile.write(path, stereo.T, 22_050, subtype="FLOAT")
    told, held = open_sound(path), open_sound(stereo, 22_050)
    assert told.seconds == held.seconds == 2.0
    for start, end in ((0.0, 1.0), (0.5, 1.5), (1.0, 2.0)):
        assert torch.equal(told.read(start, end, 16_000), held.read(start, end, 16_000))
    told.close()
    held.close()


def test_integers_are_divided_by_their_full_scale():
    frames = as_frames(np.array([-32768, 16384], dtype=np.int16))
    assert frames.tolist() == [[-1.0], [0.5]]
    with pytest.raises(AudioError, match=r"shape \(5, 2\)"):
        as_frames(np.zeros((5, 2)))

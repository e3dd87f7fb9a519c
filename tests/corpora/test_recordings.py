"""Recordings are cut into windows; those that are broken are told, not lost."""

import numpy as np
import pytest
import soundfile
import torch

from emolit.audio.decoding import decode
from emolit.corpora.recordings import Recordings
from emolit.errors import ConfigError
from emolit.prompts.direct import Direct


@pytest.fixture
def corpus(tmp_path):
    for name, seconds in (("long", 7.0), ("short", 1.5), ("middle", 3.0)):
        noise = 0.1 * np.random.default_rng(0).normal(size=round(seconds * 8_000))
        soundfile.write(tmp_path / f"{name}.wav", noise, 8_000)
    (tmp_path / "broken.wav").write_text("no audio")
    return Recordings(["."], window=3.0, root=str(tmp_path), prompt=Direct(), labels=["sad"])


def test_each_window_is_a_clip_and_the_longest_come_first(corpus, tmp_path):
    corpus.setup("predict")
    spans = [(clip.id.rpartition("/")[2], clip.start, clip.end) for clip in corpus.clips("test")]
    assert spans == [
        ("long.wav@0.00", 0.0, 3.0),
        ("long.wav@2.25", 2.25, 5.25),
        ("long.wav@4.00", 4.0, 7.0),
        ("middle.wav@0.00", 0.0, 3.0),
        ("short.wav@0.00", 0.0, 1.5),
    ]
    [(name, problem)] = corpus.problems.items()
    assert name.endswith("broken.wav")
    assert "cannot be decoded" in problem
    [batch] = corpus.predict_dataloader()
    second = decode(tmp_path / "long.wav", 16_000, 30.0, 2.25, 5.25)
    assert torch.equal(batch.waveforms[1], second)
    assert batch.options == ("sad",)


def test_windows_that_were_answered_are_left_out(corpus):
    corpus.answered = frozenset({f"{corpus.found.clips[1].id}@0.00"})
    corpus.setup("predict")
    assert len(corpus.clips("test")) == 4
    assert sum(len(each) for each in corpus.windows.values()) == 5


@pytest.mark.parametrize("window", [0.0, 1e-6, float("nan")])
def test_a_window_of_next_to_no_length_is_refused(window):
    with pytest.raises(ConfigError, match=r"number of seconds from 0\.1"):
        Recordings(["a.wav"], window=window)

"""Segments one behind the other are those that are decoded alone."""

import numpy as np
import pytest
import soundfile
import torch

from emolit.audio.decoding import decode
from emolit.audio.segments import SegmentReader
from emolit.errors import AudioError
from tests.fakes.video import write_video

RATE = 16_000
SPANS = [(0.0, 0.5), (0.25, 0.75), (0.6, 1.1), (2.0, 2.5), (2.1, 3.0)]


@pytest.fixture
def noise():
    return 0.3 * np.random.default_rng(0).normal(size=(3 * 44_100, 2)).clip(-1, 1)


@pytest.mark.parametrize(("name", "rate"), [("a.wav", 44_100), ("a.flac", 16_000)])
def test_segments_in_rising_order_are_those_decoded_alone(tmp_path, noise, name, rate):
    path = tmp_path / name
    soundfile.write(path, noise[: 3 * rate], rate)
    reader = SegmentReader(RATE)
    for start, end in SPANS:
        assert torch.equal(reader.read(path, start, end), decode(path, RATE, 30.0, start, end))


def test_going_back_opens_the_file_again_and_another_file_takes_its_place(tmp_path, noise):
    one, two = tmp_path / "one.wav", tmp_path / "two.wav"
    soundfile.write(one, noise, 44_100)
    soundfile.write(two, noise[::-1], 44_100)
    reader = SegmentReader(RATE)
    for path, start in ((one, 1.0), (one, 0.2), (two, 0.5), (one, 0.5)):
        expected = decode(path, RATE, 30.0, start, start + 0.5)
        assert torch.equal(reader.read(path, start, start + 0.5), expected)


def test_a_container_is_decoded_once(tmp_path, monkeypatch):
    path = tmp_path / "a.mp4"
    write_video(path, seconds=3.0)
    alone = [decode(path, RATE, 30.0, start, end) for start, end in SPANS]
    opened = []
    from emolit.audio import container

    original = container.Track.__init__

    def count(self, *given):
        opened.append(given)
        original(self, *given)

    monkeypatch.setattr(container.Track, "__init__", count)
    reader = SegmentReader(RATE)
    for (start, end), expected in zip(SPANS, alone, strict=True):
        assert torch.equal(reader.read(path, start, end), expected)
    assert len(opened) == 1


def test_little_is_held(tmp_path):
    path = tmp_path / "long.wav"
    soundfile.write(path, np.full(60 * 8_000, 0.1), 8_000)
    reader = SegmentReader(8_000)
    for start in range(0, 58):
        reader.read(path, float(start), start + 2.0)
        assert len(reader._held) == 16_000


def test_a_segment_behind_the_end_is_refused(tmp_path, noise):
    path = tmp_path / "a.wav"
    soundfile.write(path, noise, 44_100)
    reader = SegmentReader(RATE)
    with pytest.raises(AudioError, match=r"no samples behind 5\.00 s"):
        reader.read(path, 5.0, 6.0)
    reader.close()

"""Files that promise, or become, more sound than a recording holds; their bytes are made here."""

import struct
import time

import numpy as np
import pytest
import soundfile

from emolit.audio import limits
from emolit.audio.decoding import check, decode
from emolit.audio.limits import check_header, check_length
from emolit.audio.video_frames import pictures
from emolit.errors import AudioError
from tests.fakes.video import write_video


@pytest.fixture(scope="module")
def silence(tmp_path_factory):
    """Two hours of digital silence in 23 kB: 3 bytes a second."""
    path = tmp_path_factory.mktemp("bomb") / "silence.flac"
    soundfile.write(path, np.zeros(7200 * 1000, np.int16), 1000)
    return path


def promising(silence, path, frames):
    """Write the same with another number of samples in its header (RFC 9639, 8.2: 36 bits)."""
    content = silence.read_bytes()
    bits = int.from_bytes(content[18:26], "big") >> 36 << 36 | frames
    path.write_bytes(content[:18] + bits.to_bytes(8, "big") + content[26:])
    return path


def refused(path, message):
    for read in (check, lambda path: decode(path, 16_000, 30.0)):
        with pytest.raises(AudioError, match=message):
            read(path)


def test_hours_in_a_few_bytes_are_refused_by_their_header(silence):
    refused(silence, r"silence\.flac holds 2\.0 h of sound in \d+ bytes; .* 4 bytes a second")


def test_a_header_that_promises_years_takes_no_memory(silence, tmp_path):
    begun = time.process_time()
    refused(promising(silence, tmp_path / "a.flac", (1 << 36) - 1), r"holds 19088\.7 h of sound")
    assert time.process_time() - begun < 1


def test_a_header_that_promises_nothing_is_read_up_to_the_limit(silence, tmp_path):
    path = promising(silence, tmp_path / "a.flac", 0)
    with pytest.raises(AudioError, match=r"holds 1\.\d h of sound in \d+ bytes"):
        check(path)
    assert len(decode(path, 1000, 30.0)) == 30_000  # the seconds that are wanted, and no more


def test_a_track_that_promises_a_day_in_a_second_is_refused(tmp_path):
    path = write_video(tmp_path / "a.mkv", layout="mono", pitches=(440.0,), seconds=1.0)
    content = path.read_bytes()
    place = content.index(b"\x44\x89\x88") + 3  # the duration: 8 bytes, a float, in milliseconds
    path.write_bytes(content[:place] + struct.pack(">d", 1e8) + content[place + 8 :])
    refused(path, r"a\.mkv holds 27\.8 h of sound in \d+ bytes")


def test_a_hundred_channels_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.full((10, 100), 0.1), 16_000)
    refused(tmp_path / "a.wav", "has 100 channels by its header; recordings have up to 64")


def test_what_would_fill_the_memory_is_not_decoded_at_once(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.full((1000, 2), 0.1), 16_000)
    monkeypatch.setattr(limits, "SAMPLES", 1999)
    with pytest.raises(AudioError, match=r"1000 samples in 2 channels. Lower `loading\.max_sec"):
        decode(path, 16_000, 30.0)
    assert len(decode(path, 16_000, 0.05)) == 800
    assert check(path) == 1000 / 16_000  # block by block


def test_many_channels_are_checked_in_smaller_blocks_with_the_same_result(tmp_path):
    sound = np.full((100_000, 40), 0.1)
    sound[-1] = 0.5
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    assert check(tmp_path / "a.wav") == 6.25


def test_long_recordings_stay_recordings(tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(bytes(100_000))
    check_length(path, 3600)  # an hour in whatever it takes
    check_length(path, 25_000)
    check_header(path, 48_000, 8, 1 << 62)  # a stream whose header knows no length
    path.write_bytes(bytes(400_000))
    check_length(path, 24 * 3600)
    with pytest.raises(AudioError, match="up to 24 h"):
        check_length(path, 24 * 3600 + 1)


def test_pictures_that_no_camera_takes_are_refused(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.mp4", size=(64, 32))
    assert pictures(path, 1, 64, 0.0, 0.2).shape == (1, 3, 32, 64)
    monkeypatch.setattr(limits, "PIXELS", 64 * 32 - 1)
    with pytest.raises(AudioError, match=r"a\.mp4 has pictures of 64 by 32 by its header"):
        pictures(path, 1, 64, 0.0, 0.2)


def test_a_track_is_skipped_by_parts(tmp_path, monkeypatch):
    path = write_video(tmp_path / "a.m4a", seconds=1.0)
    whole = decode(path, 48_000, 30.0)
    monkeypatch.setattr("emolit.audio.container.STRIDE", 1000)
    part = decode(path, 48_000, 30.0, start=0.5)
    assert part.equal(whole[24_000:])
    with pytest.raises(AudioError, match="no samples behind"):
        decode(path, 48_000, 30.0, start=5.0)

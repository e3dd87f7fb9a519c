"""Decoding and checking audio; the truth is the signal written, or scipy's resampler."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from scipy.signal import resample_poly

from emolit.audio.decoding import check, decode
from emolit.errors import AudioError
from tests.fakes.video import write_video

RATE = 16_000


def tone(seconds: float, rate: int = RATE, pitch: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


@pytest.fixture
def write(tmp_path):
    def save(samples: np.ndarray, rate: int = RATE, name: str = "clip.wav", **options) -> Path:
        path = tmp_path / name
        soundfile.write(path, samples, rate, **options)
        return path

    return save


def cut(path: Path, share: float) -> Path:
    """Leave the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_414, 44_100, 48_000, 96_000])
def test_a_tone_keeps_pitch_and_length_at_any_sampling_rate(write, rate):
    path = write(tone(1.0, rate), rate)
    waveform = decode(path, RATE, 30.0)
    assert waveform.dtype == torch.float32
    assert abs(len(waveform) - RATE) <= 2
    middle = slice(500, 15_500)
    assert np.abs(waveform.numpy() - tone(1.0)[: len(waveform)])[middle].max() < 0.01
    assert check(path) == pytest.approx(1.0, abs=1e-3)


def test_resampling_agrees_with_scipy(write):
    noise = np.cumsum(np.random.default_rng(0).normal(size=48_000))
    noise *= 0.5 / np.abs(noise).max()
    waveform = decode(write(noise, 48_000, subtype="FLOAT"), RATE, 30.0).numpy()
    expected = resample_poly(noise, 1, 3)
    assert np.abs(waveform - expected)[200:-200].max() < 0.01


def test_a_stereo_file_becomes_the_mean_of_its_channels(write):
    left, right = tone(0.1), tone(0.1, pitch=1000.0)
    path = write(np.stack([left, right], axis=1), subtype="FLOAT")
    np.testing.assert_allclose(decode(path, RATE, 30.0), (left + right) / 2, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, RATE, 48_000])
def test_a_clip_of_a_twentieth_of_a_second_is_kept_whole(write, rate):
    path = write(tone(0.05, rate), rate)
    assert check(path) == pytest.approx(0.05)
    assert len(decode(path, RATE, 30.0)) == 800


def test_ten_minutes_are_cut_to_their_first_seconds(write):
    samples = tone(600.0, 8_000)
    samples[: 8_000 * 2] *= 0.1
    path = write(samples, 8_000)
    assert check(path) == 600.0
    waveform = decode(path, 8_000, 2.0)
    assert len(waveform) == 16_000
    assert float(waveform.abs().max()) == pytest.approx(0.05, abs=1e-3)


def test_a_segment_is_what_stands_between_its_ends(write):
    samples = np.linspace(-0.9, 0.9, 8_000 * 3)
    path = write(samples, 8_000, subtype="FLOAT")
    assert check(path, 0.5, 1.25) == 0.75
    part = decode(path, 8_000, 30.0, 0.5, 1.25).numpy()
    np.testing.assert_allclose(part, samples[4_000:10_000], atol=1e-6)
    np.testing.assert_allclose(decode(path, 8_000, 0.5, 0.5, 1.25), samples[4_000:8_000], atol=1e-6)
    assert check(path, 2.5) == 0.5
    assert len(decode(path, 8_000, 30.0, 2.5)) == 4_000
    assert check(path, 2.0, 3.05) == 1.0  # ends of lists are a little off


@pytest.mark.parametrize(("start", "end"), [(3.0, None), (2.0, 3.2), (2.0, 2.0), (2.0, 1.0)])
def test_a_segment_outside_its_file_is_refused_with_both_lengths(write, start, end):
    with pytest.raises(AudioError, match=rf"clip.wav lasts 3\.00 s; .* from {start:.2f} s to"):
        check(write(tone(3.0)), start, end)


def test_silence_counts_inside_the_segment_only(write):
    path = write(np.concatenate([np.zeros(RATE), tone(1.0)]))
    assert check(path, 1.0, 2.0) == 1.0
    with pytest.raises(AudioError, match="silent: all 16000 samples are zero"):
        check(path, 0.0, 1.0)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".aiff"])
def test_common_formats_are_read_and_said_to_be_good(write, suffix):
    path = write(tone(1.5), name=f"clip{suffix}")
    assert check(path) == pytest.approx(1.5, abs=0.05)
    assert float(decode(path, RATE, 30.0).abs().max()) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("name", ["über straße.wav", "感情.flac", "غصہ.wav", 'a\'b "c".wav'])
def test_a_name_in_any_script_is_read(write, name):
    path = write(tone(0.2), name=name)
    assert check(path) == pytest.approx(0.2)
    assert len(decode(path, RATE, 30.0)) == 3200


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".aiff", ".ogg"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_file_is_refused(write, suffix, share):
    path = cut(write(tone(3.0), name=f"clip{suffix}"), share)
    with pytest.raises(AudioError, match=f"clip{suffix} .*(truncated|cannot be decoded|length z)"):
        check(path)


def test_a_truncated_wav_says_how_much_is_there(write):
    path = cut(write(tone(1.0)), 0.5)
    with pytest.raises(AudioError, match=r"header says 16000 samples, 79\d\d can be read"):
        check(path)


def test_a_wav_written_into_a_pipe_is_no_truncated_one(write):
    path = write(tone(1.0))
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", 0xFFFFFFFF)
    path.write_bytes(content)
    assert check(path) == 1.0


def test_a_wav_with_a_wrong_file_size_and_all_its_samples_is_good(write):
    path = write(tone(1.0))
    content = bytearray(path.read_bytes())
    content[4:8] = struct.pack("<I", len(content) + 1000)
    path.write_bytes(content)
    assert check(path) == 1.0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "length zero: 0 bytes"),
        (b"this is no audio at all, not even a little", "cannot be decoded"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "git-lfs pointer"),
    ],
)
def test_a_file_that_is_no_audio_is_refused_with_its_reason(tmp_path, content, reason):
    path = tmp_path / "clip.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"clip\.wav .*{reason}"):
        check(path)


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(AudioError, match=r"gone\.wav is missing"):
        check(tmp_path / "gone.wav")
    with pytest.raises(AudioError, match="is a folder"):
        check(tmp_path)
    with pytest.raises(AudioError, match=r"gone\.wav is missing"):
        decode(tmp_path / "gone.wav", RATE, 30.0)


def test_a_header_without_samples_has_length_zero(write):
    with pytest.raises(AudioError, match="length zero: a header and no samples"):
        check(write(tone(0.0)))


def test_a_silent_file_is_refused_and_a_single_sample_that_is_not_zero_is_enough(write):
    samples = np.zeros(4000)
    with pytest.raises(AudioError, match="silent: all 4000 samples are zero"):
        check(write(samples))
    samples[3999] = 0.1
    assert check(write(samples)) == 0.25


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_finite_numbers_are_refused_with_their_place(write, value):
    samples = np.tile(tone(1.0), 70)
    samples[RATE * 68] = value
    with pytest.raises(AudioError, match=r"no finite numbers, the first within 70\.00 s"):
        check(write(samples, subtype="FLOAT"))


def test_a_file_that_may_not_be_read_is_said_so(write, monkeypatch):
    path = write(tone(0.1))

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(AudioError, match="may not be read: Permission denied"):
        check(path)


def test_real_audio_of_every_kind_is_good(shared):
    folders = ("urdu/Sad", "emogator/data/mp3", "emodb_samples/wav", "secap/dataset/wav")
    for folder in folders:
        paths = sorted((shared / "corpora" / folder).glob("*.*"))[::20]
        assert paths
        for path in paths:
            assert check(path) == pytest.approx(soundfile.info(path).duration, abs=0.06)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_in_the_range_of_integers_are_refused_by_check_and_decode(write, subtype):
    path = write(tone(1.0) * 32767, subtype=subtype)
    for look in (check, lambda path: decode(path, RATE, 30.0)):
        with pytest.raises(AudioError, match=r"up to 163\d\d.*full scale is 1"):
            look(path)
    assert check(write(tone(1.0) * 4, subtype=subtype)) == 1.0  # overshoot is no other scale


@pytest.mark.parametrize("options", [{}, {"subtype": "FLOAT"}, {"name": "clip.flac"}])
def test_channels_that_cancel_each_other_are_refused(write, options):
    path = write(np.stack([tone(1.0), -tone(1.0)], axis=1), **options)
    with pytest.raises(AudioError, match=r"silent when its channels are mixed: .* up to 0\.5,"):
        check(path)
    path = write(np.stack([tone(1.0), -0.8 * tone(1.0)], axis=1), **options)
    assert check(path) == 1.0
    assert float(decode(path, RATE, 30.0).abs().max()) == pytest.approx(0.05, abs=1e-3)


def test_channels_of_a_coded_track_that_cancel_each_other_are_refused(tmp_path):
    path = write_video(tmp_path / "clip.m4a", 1.0, pitches=(440.0, -440.0))
    with pytest.raises(AudioError, match="silent when its channels are mixed"):
        check(path)


@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "IMA_ADPCM", "MS_ADPCM", "ULAW"])
@pytest.mark.parametrize(("start", "end"), [(0.0, None), (0.0, 1.0), (1.0, None), (0.5, 1.5)])
def test_what_the_check_finds_good_is_decoded(write, subtype, start, end):
    options = {"format": "AU"} if subtype == "G721_32" else {}
    suffix = ".au" if options else ".wav"
    signal = np.concatenate([tone(1.0, 8_000, 300.0), tone(1.0, 8_000, 600.0)])
    path = write(signal, 8_000, f"clip{suffix}", subtype=subtype, **options)
    seconds = check(path, start, end)
    assert seconds == pytest.approx((end or 2.0) - start, abs=0.1)
    waveform = decode(path, 8_000, 30.0, start, end).numpy()
    assert len(waveform) / 8_000 == pytest.approx(seconds)
    wanted = signal[round(8_000 * start) :][: len(waveform)]
    assert np.corrcoef(waveform[: len(wanted)], wanted)[0, 1] > 0.9


def test_a_truncated_wav_is_noticed_behind_a_start_without_end(write):
    path = cut(write(tone(2.0)), 0.7)
    with pytest.raises(AudioError, match="is truncated: its header says 24000 samples"):
        check(path, 0.5)
    assert check(path, 0.5, 1.0) == 0.5


def test_a_sampling_rate_that_no_recording_has_is_refused(write):
    path = write(tone(1.0))
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", 2_000_000_000)
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"a sampling rate of 2000000000 Hz by its header"):
        check(path)


def test_paths_that_lead_nowhere_are_named(tmp_path):
    (tmp_path / "a.wav").symlink_to("b.wav")
    (tmp_path / "b.wav").symlink_to("a.wav")
    for name, reason in (
        ("a.wav", "cannot be reached"), ("x" * 300 + ".wav", "cannot be reached"),
        ("a\0b.wav", "is missing"),
    ):  # fmt: skip
        with pytest.raises(AudioError, match=reason):
            check(tmp_path / name)
        with pytest.raises(AudioError, match=reason):
            decode(tmp_path / name, RATE, 30.0)

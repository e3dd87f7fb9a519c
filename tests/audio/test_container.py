"""Audio tracks of containers; the truth is the tone that PyAV's encoder was given."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from emolit.audio.container import SLACK, open_track
from emolit.audio.decoding import check, decode
from emolit.audio.video_frames import pictures
from emolit.errors import AudioError, ConfigError
from tests.fakes.video import write_video

RATE = 16_000


def pitch(waveform) -> float:
    """Return the strongest frequency in Hz."""
    samples = np.asarray(waveform)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 16))
    return float(spectrum.argmax() * RATE / (1 << 16))


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("clip.mp4", "aac", 48_000),
        ("clip.MP4", "aac", 22_050),
        ("clip.avi", "mp3", 44_100),
        ("clip.avi", "pcm_s16le", 16_000),
        ("clip.mkv", "ac3", 48_000),
    ],
)
def test_a_tone_keeps_pitch_level_and_length(tmp_path, name, codec, rate):
    if codec == "pcm_s16le":
        pytest.importorskip("av", reason="needs PyAV: pip install 'emolit[video]'")
        path = write_packed(tmp_path / name, codec, rate)
    else:
        path = write_video(tmp_path / name, 1.0, rate)
    waveform = decode(path, RATE, 30.0)
    assert len(waveform) == pytest.approx(RATE, abs=0.1 * RATE)
    assert check(path) == pytest.approx(1.0, abs=0.1)  # coders pad
    assert pitch(waveform) == pytest.approx(440.0, abs=1.0)
    assert float(waveform[4_000:12_000].abs().max()) == pytest.approx(0.5, abs=0.03)


def write_packed(path, codec, rate):
    """Write 16-bit samples, both channels in one row."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo", format="s16")
        tone = 0.5 * np.sin(2 * np.pi * 440.0 * np.arange(rate) / rate) * 32767
        both = np.repeat(tone.astype(np.int16), 2)[None, :]
        frame = av.AudioFrame.from_ndarray(both, format="s16", layout="stereo")
        frame.sample_rate = rate
        for part in (frame, None):
            container.mux(stream.encode(part))
    return path


def test_a_stereo_track_becomes_the_mean_of_its_channels(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 1.0, pitches=(300.0, 1200.0))
    spectrum = np.abs(np.fft.rfft(decode(path, RATE, 30.0).numpy()[:RATE]))
    assert spectrum[300] == pytest.approx(0.25 * RATE / 2, rel=0.1)
    assert spectrum[1200] == pytest.approx(0.25 * RATE / 2, rel=0.1)


def test_a_surround_track_becomes_its_center(tmp_path):
    pitches = (300.0, 500.0, 1000.0, 60.0, 700.0, 1500.0)  # left, right, center, low, back
    path = write_video(tmp_path / "clip.mp4", 1.0, layout="5.1", pitches=pitches)
    waveform = decode(path, RATE, 30.0)
    spectrum = np.abs(np.fft.rfft(waveform.numpy()[:RATE]))
    assert spectrum[1000] == pytest.approx(0.5 * RATE / 2, rel=0.1)
    assert spectrum[[300, 500, 60, 700, 1500]].max() < 0.02 * spectrum[1000]


def test_only_the_first_seconds_are_decoded(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 2.0)
    assert len(decode(path, RATE, 0.5)) == RATE // 2


def test_blocks_of_any_size_hold_the_same_samples(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 0.5)
    with open_track(path) as track:
        whole = track.read(1 << 20, dtype="float32", always_2d=True)
    with open_track(path) as track:
        blocks = []
        while len(block := track.read(700, dtype="float32", always_2d=True)):
            blocks.append(block)
    with open_track(path) as track:
        assert track.seek(5000) == 5000
        rest = track.read(1 << 20, dtype="float32", always_2d=True)
    np.testing.assert_array_equal(rest, whole[5000:])
    assert {len(block) for block in blocks[:-1]} == {700}
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    assert track.frames == pytest.approx(0.5 * 48_000 + 1024, abs=1)
    assert track.promised == track.frames - SLACK


def test_six_hundredths_of_a_second_are_kept(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 0.06)
    assert 0.06 <= check(path) < 0.1
    assert len(decode(path, RATE, 30.0)) >= 960


def test_a_container_without_audio_is_refused(tmp_path):
    path = write_video(tmp_path / "clip.mp4", codec=None)
    with pytest.raises(AudioError, match=r"clip\.mp4 has no audio track, only 1 of video\. Copy"):
        check(path)
    with pytest.raises(AudioError, match="has no audio track"):
        decode(path, RATE, 30.0)


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_truncated_container_is_refused(tmp_path, options, share):
    path = write_video(tmp_path / "clip.mp4", 3.0, options=options)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(AudioError, match=r"clip\.mp4 (is truncated|cannot be decoded)"):
        check(path)


def test_silence_and_other_content_are_refused(tmp_path):
    with pytest.raises(AudioError, match=r"quiet\.mp4 is silent: all \d+ samples are zero"):
        check(write_video(tmp_path / "quiet.mp4", amplitude=0.0))
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0no film at all, not even a little")
    with pytest.raises(AudioError, match=r"clip\.mp4 cannot be decoded: Invalid data"):
        check(path)


def test_without_pyav_the_extra_is_named(tmp_path, monkeypatch):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"whatever")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ConfigError, match=r"clip\.mp4 is a video.*pip install 'emolit\[video\]'"):
        check(path)


CUT = [
    ("clip.avi", {"codec": "pcm_s16le"}),
    ("clip.avi", {"codec": "mp3"}),
    ("clip.mkv", {"codec": "pcm_s16le"}),
    ("clip.mkv", {"codec": "aac", "video": "mpeg4"}),
    ("clip.webm", {"codec": "libopus"}),
    ("clip.webm", {"codec": "libopus", "video": "libvpx"}),
    ("clip.flv", {"codec": "mp3", "rate": 44_100}),
    ("clip.flv", {"codec": "aac", "rate": 44_100, "video": "flv1"}),
]


def write_woven(path, codec, rate=48_000, video=None, options=None, seconds=1.0):
    """Write a container as programs do: sound and pictures in turn, in order of time."""
    av = pytest.importorskip("av", reason="needs PyAV: pip install 'emolit[video]'")
    noise = np.random.default_rng(0)
    with av.open(str(path), "w", options=options or {}) as container:
        seen = container.add_stream(video, rate=25) if video else None
        if seen:
            seen.width, seen.height, seen.pix_fmt = 32, 32, "yuv420p"
        heard = container.add_stream(codec, rate=rate, layout="stereo")
        as_coded = av.AudioResampler(heard.codec_context.format, "stereo", rate)
        size = rate // 25
        for number in range(round(25 * seconds)):
            times = np.arange(number * size, (number + 1) * size) / rate
            tone = 0.5 * np.sin(2 * np.pi * 440.0 * times).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), "fltp", "stereo")
            frame.sample_rate, frame.pts = rate, number * size
            frame.time_base = Fraction(1, rate)
            for coded in as_coded.resample(frame):
                container.mux(heard.encode(coded))
            if seen:
                pixels = noise.integers(0, 255, (32, 32, 3), np.uint8)
                picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                picture.pts, picture.time_base = number, Fraction(1, 25)
                container.mux(seen.encode(picture))
        for stream in filter(None, (seen, heard)):
            container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("name", "options"), CUT)
def test_a_container_that_was_cut_anywhere_is_noticed(tmp_path, name, options):
    path = write_woven(tmp_path / name, **options)
    assert check(path) == pytest.approx(1.0, abs=0.06)
    content = path.read_bytes()
    for share in (0.3, 0.6, 0.8):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(AudioError, match=r"clip\.\w+ (is truncated|cannot be decoded)"):
            check(path)


@pytest.mark.parametrize("options", [{"codec": "pcm_s16le"}, {"codec": "mp3", "video": "mpeg4"}])
def test_a_recording_whose_header_promises_nothing_is_good(tmp_path, options):
    path = write_woven(tmp_path / "clip.mkv", options={"live": "1"}, **options)
    assert check(path) == pytest.approx(1.0, abs=0.06)  # FFmpeg guesses more by the bit rate


def test_pictures_may_last_longer_than_sound(tmp_path):
    path = write_video(tmp_path / "clip.mkv", 1.0)
    assert check(path) == pytest.approx(1.0, abs=0.06)
    av = pytest.importorskip("av")
    with av.open(str(path)) as whole, av.open(str(tmp_path / "late.mkv"), "w") as late:
        streams = {s.index: late.add_stream_from_template(s) for s in whole.streams}
        for packet in whole.demux():
            if packet.pts is not None and (packet.stream.type == "video" or packet.pts < 500):
                packet.stream = streams[packet.stream.index]
                late.mux(packet)
    assert check(tmp_path / "late.mkv") == pytest.approx(0.5, abs=0.06)
    assert check(tmp_path / "late.mkv", 0.25) == pytest.approx(0.25, abs=0.06)


def test_an_mp4_cut_at_any_byte_of_its_head_is_named(tmp_path):
    path = write_video(tmp_path / "clip.mp4", 0.25, options={"movflags": "faststart"})
    content = path.read_bytes()
    for size in range(40, 2600, 24):
        path.write_bytes(content[:size])
        with pytest.raises(AudioError, match=r"clip\.mp4"):
            check(path)
    for size in range(40, 2600, 100):
        path.write_bytes(content[:size])
        try:
            decode(path, RATE, 30.0)
            pictures(path, 1, 16, 0.0, 0.2)
        except AudioError as error:
            assert "clip.mp4" in str(error)


def test_a_title_that_is_no_utf8_keeps_nothing_from_being_heard(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "clip.mkv"), "w") as container:
        container.metadata["title"] = "Cafe"
        stream = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.full((1, RATE), 9000, np.int16), "s16", "mono")
        frame.sample_rate = RATE
        for part in (frame, None):
            container.mux(stream.encode(part))
    path = tmp_path / "clip.mkv"
    path.write_bytes(path.read_bytes().replace(b"Cafe", "Café".encode("latin-1")))
    assert check(path) == pytest.approx(1.0)


def test_a_container_is_known_by_what_it_holds(tmp_path):
    path = write_video(tmp_path / "clip.m4a", 1.0).rename(tmp_path / "clip.mp3")
    assert check(path) == pytest.approx(1.0, abs=0.1)
    assert pitch(decode(path, RATE, 30.0)) == pytest.approx(440.0, abs=1.0)
    for name in ("clip.mp3", "clip.mp4"):
        (tmp_path / name).write_bytes(b"404: Not Found")
        with pytest.raises(AudioError, match=rf"{name} .* holds text, .* '404: Not Found'\. Get"):
            check(tmp_path / name)

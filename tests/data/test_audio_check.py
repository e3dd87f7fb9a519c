"""Recordings are decoded once: what is kept comes back, and belongs to the very files."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from emolit.audio import decoding as audio
from emolit.data import audio_check as inspection
from emolit.data.audio_check import AudioCheck, AudioRecord, cache_folder, load, save
from emolit.types import Clip
from tests.fakes.video import write_video

CLIP = Clip("a", "mine", "wav/ä b.wav")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "wav").mkdir()
    soundfile.write(tmp_path / CLIP.path, np.full(8_000, 0.2), 16_000)
    return tmp_path


@pytest.fixture
def decoded(monkeypatch):
    """The files that were decoded."""
    names = []
    check = audio.check
    monkeypatch.setattr(
        audio, "check", lambda path, *segment: names.append(path.name) or check(path, *segment)
    )
    return names


def again(folder, *clips):
    """Look as a later run does."""
    return AudioCheck("mine", folder).entries(clips)


def test_a_clip_comes_back_with_its_duration_or_with_what_is_wrong(folder, decoded):
    (folder / "bad.wav").write_bytes(b"no audio")
    bad = replace(CLIP, id="b", path="bad.wav")
    first = again(folder, CLIP, bad)
    assert first[0] == AudioRecord(replace(CLIP, seconds=0.5))
    assert first[1].clip == bad
    assert "bad.wav cannot be decoded" in first[1].problem
    assert again(folder, CLIP, bad) == first
    assert decoded == ["ä b.wav", "bad.wav", "bad.wav"]  # what could not be used is tried again


def test_only_what_is_new_or_changed_is_decoded(folder, decoded):
    file = folder / CLIP.path
    other = replace(CLIP, id="b", path="b.wav")
    again(folder, CLIP)
    soundfile.write(folder / "b.wav", np.full(1_600, 0.2), 16_000)
    announced = []
    looked = AudioCheck("mine", folder).entries([CLIP, other], announced.append)
    assert [entry.clip.seconds for entry in looked] == [0.5, 0.1]
    assert announced == ["checking the audio of 1 clips"]
    stat = file.stat()
    soundfile.write(file, np.full(16_000, 0.2), 16_000)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # another size alone
    assert again(folder, CLIP)[0].clip.seconds == 1.0
    os.utime(file, ns=(0, 0))  # another time alone
    again(folder, CLIP, other)
    assert decoded == ["ä b.wav", "b.wav", "ä b.wav", "ä b.wav"]


def test_segments_of_one_file_are_recordings_of_their_own(folder):
    first, rest = replace(CLIP, end=0.1), replace(CLIP, id="b", start=0.1)
    for _ in range(2):
        assert [entry.clip.seconds for entry in again(folder, first, rest)] == [0.1, 0.4]


def test_folders_and_corpora_do_not_share_what_they_keep(folder, cache):
    again(folder, CLIP)
    AudioCheck("other", folder).entries([CLIP])
    AudioCheck("mine", folder / "wav").entries([replace(CLIP, path="ä b.wav")])
    assert len(list(cache.iterdir())) == 3


def test_other_code_that_decodes_looks_anew(folder, decoded, monkeypatch, tmp_path):
    again(folder, CLIP)
    mended = tmp_path / "audio.py"
    mended.write_text(Path(audio.__file__).read_text() + "# mended\n")
    monkeypatch.setattr(audio, "__file__", str(mended))
    again(folder, CLIP)
    again(folder, CLIP)
    assert len(decoded) == 2


def test_a_clip_that_is_text_alone_is_not_looked_for(tmp_path, cache):
    clip = Clip(id="a", corpus="mine", path="", transcript="No.")
    looking, announced = AudioCheck("mine", tmp_path, seeing=True), []
    assert looking.entries([clip, clip], announced.append) == (AudioRecord(clip), AudioRecord(clip))
    assert announced == []
    assert not list(cache.iterdir())


def test_a_video_is_looked_at_where_it_is_wanted(tmp_path):
    write_video(tmp_path / "a.mp4", codec="aac")
    clip = Clip(id="a", corpus="mine", path="a.mp4")
    seeing = AudioCheck("mine", tmp_path, seeing=True)
    assert AudioCheck("mine", tmp_path).look(clip).problem is None
    assert seeing.look(clip).problem.startswith("a has no video. Get it")
    assert seeing.look(replace(clip, video="a.mp4")).problem is None
    (tmp_path / "b.mp4").write_bytes(b"no film")
    clips = [replace(clip, video="b.mp4"), clip]
    assert all(entry.problem is None for entry in AudioCheck("mine", tmp_path).entries(clips))
    broken, missing = seeing.entries(clips)  # heard before, and not seen
    assert "b.mp4 cannot be decoded" in broken.problem
    assert "a has no video" in missing.problem


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.floats(0, 1e6)))
def test_any_durations_come_back_as_they_were(tmp_path_factory, durations):
    place = tmp_path_factory.mktemp("cache") / "below" / "toy.json"
    save(place, durations)
    assert load(place) == durations
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize("content", [b'{"wav/a.wav": 0.', b"", b"[]", b'\xff\xfe{"a": 1}'])
def test_a_damaged_file_keeps_nothing(tmp_path, content):
    (tmp_path / "toy.json").write_bytes(content)
    assert load(tmp_path / "toy.json") == {}
    assert load(tmp_path / "none.json") == {}


def test_a_disk_that_fills_leaves_what_was_kept_and_no_rest(tmp_path, monkeypatch):
    place = tmp_path / "toy.json"
    save(place, {"a": 1.0})

    def fill(self, text, encoding):
        self.write_bytes(text[:5].encode(encoding))
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Path, "write_text", fill)
        save(place, {"a": 1.0, "b": 2.0})
    assert load(place) == {"a": 1.0}
    assert list(tmp_path.iterdir()) == [place]


def test_the_cache_is_below_home_unless_the_environment_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOLIT_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    monkeypatch.delenv("EMOLIT_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "emolit"


def test_all_that_decodes_is_named():
    """What `emolit.data.audio_check` imports of emolit besides errors and types is in `CHECKS`."""
    modules = [thing for thing in vars(inspection).values() if getattr(thing, "__spec__", None)]
    own = {module for module in modules if module.__name__.startswith("emolit.")}
    assert own == set(inspection.CHECKS)


@pytest.mark.parametrize("trouble", ["file", "read-only", "no home"])
def test_a_cache_that_cannot_be_used_is_said_and_dispensed_with(
    folder, tmp_path, monkeypatch, trouble
):
    if trouble == "no home":
        monkeypatch.delenv("EMOLIT_CACHE")
        monkeypatch.delenv("HOME", raising=False)
        monkeypatch.setattr("os.path.expanduser", lambda path: path)
    elif trouble == "file":
        (tmp_path / "occupied").touch()
        monkeypatch.setenv("EMOLIT_CACHE", str(tmp_path / "occupied" / "cache"))
    else:
        monkeypatch.setenv("EMOLIT_CACHE", "/proc/emolit")
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"'mine' were not kept \(.*\).* Set EMOLIT_CACHE"):
            assert again(folder, CLIP)[0].clip.seconds == 0.5


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": "1", "b": [2], "c": NaN, "d": true}'])
def test_a_damaged_cache_is_as_good_as_none(tmp_path, content):
    (tmp_path / "kept.json").write_text(content)
    assert load(tmp_path / "kept.json") == {}
    assert load(tmp_path) == {}


def test_links_in_a_circle_and_long_names_are_bad_clips_like_others(folder):
    (folder / "a.wav").symlink_to("b.wav")
    (folder / "b.wav").symlink_to("a.wav")
    long = "x" * 300
    clips = [replace(CLIP, id=name, path=f"{name}.wav") for name in ("a", long)]
    problems = [entry.problem for entry in again(folder, *clips)]
    assert "a.wav cannot be reached" in problems[0] and "cannot be reached" in problems[1]


def test_a_name_that_is_no_unicode_is_a_bad_clip(folder):
    name = os.fsdecode(b"\xe9.wav")
    (folder / CLIP.path).rename(folder / name)
    (entry,) = again(folder, replace(CLIP, path=name))
    assert r"\udce9.wav' is a name in no Unicode. Rename" in entry.problem


def many(folder, number):
    """Write short files; return their clips."""
    for index in range(number):
        soundfile.write(folder / f"{index}.wav", np.full(800 + index, 0.2), 16_000)
    return [replace(CLIP, id=str(index), path=f"{index}.wav") for index in range(number)]


def test_many_processes_find_what_one_finds(folder, monkeypatch, cache):
    clips = [*many(folder, 60), replace(CLIP, id="no", path="no.wav")]
    one = again(folder, *clips)
    for file in cache.iterdir():
        file.unlink()
    monkeypatch.setattr(inspection, "decoding_processes", lambda clips: 2)
    announced = []
    assert AudioCheck("mine", folder).entries(clips, announced.append) == one
    assert announced == ["checking the audio of 61 clips in 2 processes"]
    assert one[-1].problem and one[7].clip.seconds == 807 / 16_000


def test_how_far_it_is_is_said_and_kept(folder, monkeypatch):
    clock = iter(range(0, 10**6, 20))
    monkeypatch.setattr(inspection.time, "monotonic", lambda: float(next(clock)))
    kept = []
    monkeypatch.setattr(inspection, "save", lambda place, good: kept.append(len(good)))
    announced = []
    AudioCheck("mine", folder).entries(many(folder, 10), announced.append)
    assert announced[1] == "2 of 10 clips checked, about 3 min left"  # 40 s for 2, 160 s for 8
    assert kept == sorted(kept) and kept[0] == 2 and kept[-1] == 10


def test_two_readings_at_once_keep_what_both_have_found(folder):
    for name in "cd":
        shutil.copy(folder / CLIP.path, folder / f"{name}.wav")
    one, other = AudioCheck("mine", folder), AudioCheck("mine", folder)
    assert one.durations == other.durations == {}  # both have begun
    one.entries([Clip("c", "mine", "c.wav")])
    other.entries([Clip("d", "mine", "d.wav")])
    assert len(load(one.cache_file)) == 2


KILLED = """
import sys, time
from pathlib import Path
from emolit.data import audio_check
from emolit.types import Clip
audio_check.KEPT_EVERY = 0.0
check = audio_check.audio.check
def slowly(*given):
    time.sleep(0.02)
    return check(*given)
audio_check.audio.check = slowly
clips = [Clip(str(i), "mine", f"{i}.wav") for i in range(200)]
audio_check.AudioCheck("mine", Path(sys.argv[1])).entries(clips)
"""


def test_a_first_reading_that_is_killed_goes_on_from_there(folder, cache, decoded):
    clips = many(folder, 200)
    reading = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)])
    until = time.monotonic() + 60
    while not (cache.is_dir() and list(cache.glob("mine-*.json"))) and time.monotonic() < until:
        time.sleep(0.01)
    reading.send_signal(signal.SIGKILL)
    reading.wait()
    found = again(folder, *clips)
    assert all(entry.clip.seconds for entry in found)
    assert 0 < len(decoded) < 200  # what was kept is not decoded again
    decoded.clear()
    assert again(folder, *clips) == found
    assert decoded == []


def test_what_is_found_before_somebody_stops_is_kept(folder, monkeypatch, decoded):
    clips = many(folder, 5)
    look = AudioCheck.look

    def stop(self, clip):
        if clip.id == "3":
            raise KeyboardInterrupt
        return look(self, clip)

    monkeypatch.setattr(inspection, "look_at", lambda see, clips, _: enumerate(map(see, clips)))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(AudioCheck, "look", stop)
        again(folder, *clips)
    decoded.clear()
    again(folder, *clips)
    assert decoded == ["3.wav", "4.wav"]

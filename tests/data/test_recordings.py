"""What files, folders, patterns, lists and tables stand for."""

from pathlib import Path

import pytest

from emolit.data.recordings import find_recordings
from emolit.errors import CorpusError


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name in ("new/a.wav", "new/sub/b.MP4", "new/.hidden/c.wav", "new/notes.md", "one.flac"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ids(*given):
    return [clip.id for clip in find_recordings(given, "toy").clips]


def test_a_folder_stands_for_all_recordings_below_it(place):
    found = find_recordings(["new"], "toy")
    assert [clip.id for clip in found.clips] == ["new/a.wav", "new/sub/b.MP4"]
    assert found.others == 1
    assert all(Path(clip.path).is_absolute() for clip in found.clips)


def test_a_pattern_stands_for_what_it_matches(place):
    assert ids("new/*.wav") == ["new/a.wav"]
    assert ids("**/*.MP4") == ["new/sub/b.MP4"]
    assert ids(str(place / "*.flac")) == [f"{place}/one.flac"]
    with pytest.raises(CorpusError, match="matches no file"):
        ids("new/*.ogg")


def test_a_file_that_is_named_twice_is_asked_about_once(place):
    found = find_recordings(["new/a.wav", "new"], "toy")
    assert [clip.id for clip in found.clips] == ["new/a.wav", "new/sub/b.MP4"]
    assert found.repeated == 1


def test_a_list_and_a_table_are_relative_to_themselves(place):
    (place / "new/list.txt").write_text("a.wav\n\nsub/b.MP4\n")
    assert ids("new/list.txt") == ["a.wav", "sub/b.MP4"]
    (place / "new/t.csv").write_text(
        "path,start,end,text,mood\na.wav,1,2.5,Hello,x\na.wav,3,4,,y\n"
    )
    one, two = find_recordings(["new/t.csv"], "toy").clips
    assert (one.path, one.start, one.end) == (f"{place}/new/a.wav", 1.0, 2.5)
    assert (one.transcript, two.transcript, two.start) == ("Hello", None, 3.0)


def test_files_that_are_not_there_are_left_to_the_check_of_audio(place):
    assert ids("nothere.wav") == ["nothere.wav"]


def test_a_folder_without_recordings_is_refused(place):
    (place / "empty").mkdir()
    with pytest.raises(CorpusError, match="holds no recording: none of its 0 files"):
        ids("empty")
    with pytest.raises(CorpusError, match=r"missing\.txt cannot be read"):
        ids("missing.txt")

"""A listing tells of each file what asking about it alone tells."""

import os
from pathlib import Path

from emolit.files.listing import TOGETHER, file_states, states_below


def alone(files):
    """Ask about each file by itself."""
    found = {}
    for file in files:
        if Path(file).exists():
            stat = Path(file).stat()
            found[file] = (stat.st_size, stat.st_mtime_ns)
    return found


def test_a_listing_tells_what_each_file_tells(tmp_path):
    files = []
    for folder in ("few", "many", "ä b"):
        (tmp_path / folder).mkdir()
        for index in range(2 if folder == "few" else TOGETHER + 3):
            (tmp_path / folder / f"{index}.wav").write_bytes(b"x" * index)
            files.append(f"{tmp_path}/{folder}/{index}.wav")
    (tmp_path / "many" / "link.wav").symlink_to("3.wav")
    (tmp_path / "many" / "nowhere.wav").symlink_to("gone.wav")
    (tmp_path / "many" / "not asked about").touch()
    files += [f"{tmp_path}/many/{name}.wav" for name in ("link", "nowhere", "gone")]
    files += [f"{tmp_path}/no folder/{index}.wav" for index in range(TOGETHER)]
    assert file_states(files) == alone(files)
    assert len(file_states(files)) == 2 + 2 * (TOGETHER + 3) + 1


def test_many_files_of_a_folder_are_asked_about_in_one_listing(tmp_path, monkeypatch):
    files = [f"{tmp_path}/{index}.wav" for index in range(100)]
    for file in files:
        Path(file).touch()
    by_name, stat = [], os.stat
    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", lambda path: by_name.append(path) or stat(path))
        assert len(file_states(files)) == 100
    assert by_name == []


def test_a_name_that_no_file_can_have_is_not_there(tmp_path):
    names = ["x" * 300, "nul\0", "\udce9"]
    files = [f"{tmp_path}/{name}" for name in (*names, *range(TOGETHER))]
    assert file_states(files) == {}
    assert file_states(["\0/a", "a", ""]) == {}


def test_a_name_in_another_case_is_found_where_the_disk_finds_it(tmp_path, monkeypatch):
    """A disk without case lists `A.wav` and opens `a.wav`; so what is not listed is asked for."""
    files = [f"{tmp_path}/{index}.wav" for index in range(TOGETHER)]
    for file in files:
        Path(file).touch()
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path: stat(str(path).replace("OTHER", "0")))
    found = file_states([*files, f"{tmp_path}/OTHER.wav"])
    assert found[f"{tmp_path}/OTHER.wav"] == found[files[0]]


def test_a_file_answers_under_the_spelling_that_was_asked(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"12")
    odd = f"{tmp_path}//a.wav"
    found = file_states([odd, f"{tmp_path}/a.wav"])
    assert found[odd] == found[f"{tmp_path}/a.wav"] and found[odd][0] == 2


def test_a_folder_tells_of_all_files_below_and_of_those_that_were_replaced(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("a", "deep/b"):
        (tmp_path / name).write_bytes(b"xy")
        os.utime(tmp_path / name, ns=(1, 2))
    assert states_below(tmp_path) == {"a": [2, 2], "deep/b": [2, 2]}
    os.utime(tmp_path / "a", ns=(1, 3))
    assert states_below(tmp_path) == {"a": [2, 3], "deep/b": [2, 2]}
    assert states_below(tmp_path / "gone") == {}

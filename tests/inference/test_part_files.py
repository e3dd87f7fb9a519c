"""Answers survive a kill, and belong to one question."""

import pytest

from emolit.errors import ConfigError
from emolit.files.json_lines import json_line
from emolit.inference.part_files import PartFiles
from tests.fakes.holding import hold_elsewhere


def test_what_was_written_is_read_and_what_broke_off_is_not(tmp_path):
    parts = PartFiles(tmp_path / "a.csv", {"window": 3.0})
    assert parts.read() == {}
    for rank, names in ((0, "ab"), (1, "c")):
        with parts.open(rank) as file:
            file.writelines(json_line({"window": name, "answer": rank}).encode() for name in names)
    with parts.path(0).open("ab") as file:
        file.write(b'{"window": "d", "ans')
    assert parts.read().keys() == {"a", "b", "c"}
    with parts.open(0) as file:
        file.write(json_line({"window": "e"}).encode())
    assert parts.read().keys() == {"a", "b", "c", "e"}
    parts.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_question_is_refused(tmp_path):
    PartFiles(tmp_path / "a.csv", {"window": 3.0}).open(0).close()
    with pytest.raises(ConfigError, match=r"begun with another window, 3\.0 and not 2\.0"):
        PartFiles(tmp_path / "a.csv", {"window": 2.0}).read()
    assert PartFiles(tmp_path / "b.csv", {"window": 2.0}).read() == {}


def test_a_first_line_that_broke_off_is_begun_anew(tmp_path):
    parts = PartFiles(tmp_path / "a.csv", {"window": 3.0})
    parts.path(0).write_bytes(b'{"win')
    assert parts.read() == {}
    parts.open(0).close()
    assert parts.path(0).read_bytes() == json_line({"window": 3.0}).encode()


@pytest.mark.parametrize("name", ["a[1].csv", "a?.csv", "*.csv"])
def test_any_name_will_do(tmp_path, name):
    parts = PartFiles(tmp_path / name, {})
    parts.open(0).close()
    assert parts.paths == [parts.path(0)]
    PartFiles(tmp_path / "a1.csv", {}).open(0).close()
    parts.remove()
    assert [path.name for path in tmp_path.iterdir()] == [".a1.csv.rank0.part"]


@pytest.mark.parametrize("damaged", [b"\0\0\0\n", b'{"window": 3.0}\n\0\0\n', b"[\n"])
def test_a_damaged_file_is_named(tmp_path, damaged):
    parts = PartFiles(tmp_path / "a.csv", {"window": 3.0})
    parts.path(0).write_bytes(damaged)
    with pytest.raises(ConfigError, match=r"\.a\.csv\.rank0\.part .* damaged .* remove it"):
        parts.read()


def test_one_run_at_a_time_has_an_output(tmp_path):
    with hold_elsewhere(tmp_path, ".a.csv.running") as other:
        told = pytest.raises(ConfigError, match=rf"being written by process {other.pid} on")
        with told, PartFiles(tmp_path / "a.csv", {}).held():
            pass
        with PartFiles(tmp_path / "b.csv", {}).held():
            pass
    with PartFiles(tmp_path / "a.csv", {}).held():
        assert (tmp_path / ".a.csv.running").exists()
    assert list(tmp_path.iterdir()) == []

"""The benchmark of many clips counts what it says."""

import json

import pytest

from tools.bench.clips import main, write_clips


@pytest.mark.slow
def test_both_starts_are_timed(tmp_path):
    target = tmp_path / "clips.json"
    assert main(["--clips", "40", "--target", str(target)]) == 0
    (row,) = json.loads(target.read_text())["rows"]
    assert row["clips"] == 40 and row["processes"] == 1
    assert row["first_s"] > 0 and row["again_s"] > 0


def test_the_table_names_the_files(tmp_path):
    folder = write_clips(tmp_path / "clips", 3, 0.1)
    lines = (folder / "clips.csv").read_text().splitlines()
    assert len(lines) == 4
    assert all((folder / line.split(",")[0]).is_file() for line in lines[1:])

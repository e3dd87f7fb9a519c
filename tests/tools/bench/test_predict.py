"""The benchmark of predictions runs and counts what it says."""

import json

import pytest

from tools.bench.predict import main, write_clips, write_long


@pytest.mark.slow
def test_a_small_run_measures_four_cases(tmp_path):
    target = tmp_path / "predict.json"
    assert main(["--clips", "10", "--hours", "0.02", "--target", str(target)]) == 0
    rows = json.loads(target.read_text())["rows"]
    assert {name: row["sound_s"] for name, row in rows.items()} == {
        "few clips": 4.0,
        "clips": 40.0,
        "short file": pytest.approx(7.2),
        "long file": pytest.approx(72.0),
    }
    assert all(row["wall_s"] > 0 and row["peak_mib"] > 100 for row in rows.values())


def test_recordings_have_the_length_that_is_counted(tmp_path):
    import soundfile

    clips = sorted(write_clips(tmp_path / "clips", 3).iterdir())
    assert [soundfile.info(path).duration for path in clips] == [4.0] * 3
    assert soundfile.info(write_long(tmp_path / "long.wav", 0.05)).duration == 180.0
    assert soundfile.info(write_long(tmp_path / "short.wav", 0.002)).duration == 7.2

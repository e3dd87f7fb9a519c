"""What a long run has gained is told from its rows; a run of four hundred steps has some."""

import json

import pytest

from tools.bench.long_run import main, summarize


def row(step, memory=100.0, handles=6.0, threads=2.0, board=0.0, cpu=10.0):
    names = ("step", "memory_mib", "handles", "threads", "board_mib", "cpu_s")
    return dict(zip(names, (step, memory, handles, threads, board, cpu), strict=True))


def test_growth_counts_from_step_200_and_speed_from_the_first_hundred():
    rows = [
        row(100, memory=50.0, board=1.0, cpu=12.0),
        row(200, memory=200.0, board=3.0, cpu=8.0),
        row(300, memory=300.0, handles=7.0, threads=4.0, board=6.0, cpu=16.0),
        row(400, memory=250.0, handles=8.0, threads=3.0, board=10.0, cpu=12.0),
    ]
    found = summarize(rows)
    assert found["memory_growth"] == pytest.approx(0.25)
    assert (found["handles_growth"], found["threads_growth"]) == (2.0, 1.0)
    assert found["board_mib_per_hundred_first"] == pytest.approx(2.0)
    assert found["board_mib_per_hundred_last"] == pytest.approx(4.0)
    assert found["throughput_beside_first_hundred"] == pytest.approx(1.0)


@pytest.mark.slow
def test_a_run_of_four_hundred_steps_leaves_four_rows(tmp_path):
    target = tmp_path / "long_run.json"
    assert main(["--steps", "400", "--root", str(tmp_path / "run"), "--target", str(target)]) == 0
    rows = json.loads(target.read_text())["rows"]
    assert [each["step"] for each in rows] == [100, 200, 300, 400]
    assert rows[0]["handles"] == rows[-1]["handles"]
    assert rows[0]["board_mib"] < rows[-1]["board_mib"]

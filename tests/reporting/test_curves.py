"""Curves come back as they were logged, whatever the run was stopped and begun anew."""

import pytest
from torch.utils.tensorboard import SummaryWriter

from emolit.reporting.curves import read_curves


def log(folder, name, **curves):
    """Write an event file as a logger does."""
    place = folder if name in ("fit", "test") else folder / "lightning_logs"
    with SummaryWriter(str(place / name)) as board:
        for key, points in curves.items():
            for step, value in points:
                board.add_scalar(key.replace("__", "/"), value, step)


def test_all_points_come_back_however_many(tmp_path):
    points = [(step, step / 7) for step in range(12_000)]  # TensorBoard itself keeps 10,000
    log(tmp_path, "version_0", train__loss=points)
    (name, found), *others = read_curves(tmp_path).items()
    assert name == "train/loss" and not others
    assert [step for step, _ in found] == list(range(12_000))
    assert found[-1][1] == pytest.approx(11_999 / 7)


def test_a_resumed_run_goes_on_where_it_was_stopped(tmp_path):
    log(tmp_path, "version_0", train__loss=[(0, 4.0), (10, 3.0), (20, 9.0)])
    log(tmp_path, "version_10", train__loss=[(20, 2.0), (30, 1.0)])  # after version_2 too
    log(tmp_path, "version_2", train__loss=[(10, 5.0), (20, 8.0)])
    assert read_curves(tmp_path) == {
        "train/loss": [(0, 4.0), (10, 5.0), (20, 2.0), (30, 1.0)],
    }


def test_scores_of_a_test_and_what_is_no_number_are_no_curves(tmp_path):
    log(tmp_path, "version_0", test__a__UA=[(0, 1.0)], epoch=[(0, 1.0)])
    log(tmp_path, "version_1", val__a__UA=[(0, float("nan")), (5, 0.5)])
    assert read_curves(tmp_path) == {"val/a/UA": [(5, 0.5)]}


def test_the_tables_of_the_csv_logger_are_read_too(tmp_path):
    place = tmp_path / "lightning_logs" / "version_0"
    place.mkdir(parents=True)
    text = "epoch,step,train/loss,val/a/UA\n0,0,3.5,\n0,9,,0.25\n1,10,2.5,\n"
    (place / "metrics.csv").write_text(text)
    assert read_curves(tmp_path) == {"train/loss": [(0, 3.5), (10, 2.5)], "val/a/UA": [(9, 0.25)]}


def test_the_folder_of_the_subcommand_is_read_and_no_other_run(tmp_path):
    log(tmp_path / "grpo", "fit", train__loss=[(0, 4.0)])
    assert read_curves(tmp_path / "grpo") == {"train/loss": [(0, 4.0)]}
    assert read_curves(tmp_path) == {}


def test_a_folder_without_logs_has_no_curves(tmp_path):
    assert read_curves(tmp_path) == {}

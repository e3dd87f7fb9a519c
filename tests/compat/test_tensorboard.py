"""What emolit writes to TensorBoard by other ways than its writer's methods."""

import time

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from torch.utils.tensorboard import SummaryWriter

from emolit.compat.tensorboard import mark_start, put_last, write_hparams


@pytest.mark.parametrize(("step", "kept"), [(0, [9]), (3, [0, 1, 2, 9])])
def test_older_files_of_a_run_are_forgotten_from_a_step_on(tmp_path, step, kept):
    with SummaryWriter(str(tmp_path)) as first:
        for each in range(5):
            first.add_scalar("curve", each, each)
    with SummaryWriter(str(tmp_path)) as second:
        mark_start(second, step)
        second.add_scalar("curve", 9, 9)
    board = EventAccumulator(str(tmp_path)).Reload()
    assert [point.step for point in board.Scalars("curve")] == kept


def test_a_file_that_was_begun_on_an_earlier_clock_is_read_last(tmp_path, monkeypatch):
    """Three starts, a day apart each, the clock going backward."""
    for start, second in enumerate((3_000_000, 2_000_000, 1_000_000)):
        monkeypatch.setattr(time, "time", lambda now=second: now)
        with SummaryWriter(str(tmp_path)) as writer:
            put_last(writer)
            mark_start(writer, 2 * start)
            for step in range(2 * start, 2 * start + 4):
                writer.add_scalar("curve", 100 * start + step, step)
    board = EventAccumulator(str(tmp_path)).Reload()
    found = [(point.step, point.value) for point in board.Scalars("curve")]
    assert [step for step, _ in found] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [value for _, value in found] == [0, 1, 102, 103, 204, 205, 206, 207]


def test_columns_of_other_runs_are_declared_and_not_filled(tmp_path):
    from tensorboard.plugins.hparams import metadata

    with SummaryWriter(str(tmp_path)) as writer:
        write_hparams(writer, {"rate": 0.5}, {"rate": 0.0, "name": ""}, ["score"])
    (path,) = tmp_path.iterdir()
    values = [value for event in EventFileLoader(str(path)).Load() for value in event.summary.value]
    told = {value.tag: value.metadata.plugin_data.content for value in values}
    columns = metadata.parse_experiment_plugin_data(told[metadata.EXPERIMENT_TAG])
    assert [info.name for info in columns.hparam_infos] == ["rate", "name"]
    assert [info.name.tag for info in columns.metric_infos] == ["score"]
    start = metadata.parse_session_start_info_plugin_data(told[metadata.SESSION_START_INFO_TAG])
    assert list(start.hparams) == ["rate"]

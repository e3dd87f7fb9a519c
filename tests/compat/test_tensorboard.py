"""What emolit writes to TensorBoard by other ways than its writer's methods."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from torch.utils.tensorboard import SummaryWriter

from emolit.compat.tensorboard import mark_start, write_hparams


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

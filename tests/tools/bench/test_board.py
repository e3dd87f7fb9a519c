"""Runs that the benchmark makes are runs to TensorBoard."""

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tools.bench.board import POINTS, TAGS, write_runs


def test_each_run_has_all_curves(tmp_path):
    write_runs(tmp_path, 2, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run0", "run1"]
    events = EventAccumulator(str(tmp_path / "run1")).Reload()
    tags = events.Tags()["scalars"]
    assert len(tags) == TAGS
    assert len(events.Scalars(tags[0])) == POINTS
    write_runs(tmp_path / "copies", 1, tmp_path / "run1")
    copied = EventAccumulator(str(tmp_path / "copies" / "run0")).Reload()
    assert copied.Tags()["scalars"] == tags

"""What a run has left: the newest of each, whatever lies beside it."""

import json

import pytest
import yaml

from emolit.errors import ConfigError
from emolit.reporting.run import Run, is_local, trainings


def leave(folder, name, start=None, **more):
    """Write a config as Lightning saves it."""
    policy = {"class_path": "Nano", "init_args": {"checkpoint": start}}
    model = {"class_path": "Task", "init_args": {"policy": policy}}
    place = folder / "lightning_logs" / name
    place.mkdir(parents=True)
    (place / "config.yaml").write_text(yaml.safe_dump({"model": model, **more}))


def test_the_newest_config_of_each_subcommand_is_found(tmp_path):
    for number, more in enumerate([{}, {"verbose": False}, {}, {"return_predictions": False}]):
        leave(tmp_path, f"version_{number}", seed_everything=number, **more)
    leave(tmp_path, "version_10", seed_everything=10, verbose=False)
    run = Run(tmp_path)
    assert run.trained["seed_everything"] == 2
    assert run.tested["seed_everything"] == 10  # not before version_2, as text would have it


def test_a_run_has_a_folder_a_subcommand_and_those_below_are_other_runs(tmp_path):
    for stage, more in (("fit", {}), ("test", {"verbose": False})):
        (tmp_path / "grpo" / stage).mkdir(parents=True)
        config = {"model": {}, "seed_everything": len(stage), **more}
        (tmp_path / "grpo" / stage / "config.yaml").write_text(yaml.safe_dump(config))
    run = Run(tmp_path / "grpo")
    assert (run.trained["seed_everything"], run.tested["seed_everything"]) == (3, 4)
    assert Run(tmp_path).configs == []


def test_a_folder_without_a_run_has_nothing(tmp_path):
    (tmp_path / "config.yaml").write_text("a: 1\n")
    run = Run(tmp_path)
    assert (run.trained, run.tested, run.fit, run.scores, run.record, run.start) == (None,) * 6
    assert run.predictions("toy") == []


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "fit.json").write_text("{")
    with pytest.raises(ConfigError, match=r"fit\.json is not JSON"):
        _ = Run(tmp_path).fit


def test_predictions_may_hold_other_line_breaks(tmp_path):
    (tmp_path / "test").mkdir()
    line = json.dumps({"id": "a\u2028b"}, ensure_ascii=False)
    (tmp_path / "test" / "predictions-toy.jsonl").write_text(f"{line}\n", encoding="utf-8")
    assert Run(tmp_path).predictions("toy") == [{"id": "a\u2028b"}]


def test_the_runs_that_made_some_weights_come_the_oldest_first(tmp_path):
    for name, start in (("sft", "owner/base"), ("grpo", str(tmp_path / "sft" / "best"))):
        leave(tmp_path / name, "version_0", start)
        (tmp_path / name / "best").mkdir()
    found = trainings(tmp_path / "grpo" / "best")
    assert [run.folder.name for run in found] == ["sft", "grpo"]
    assert trainings(tmp_path / "nowhere" / "best") == []


def test_runs_that_start_from_each_other_end(tmp_path):
    for name, start in (("a", "b"), ("b", "a")):
        leave(tmp_path / name, "version_0", str(tmp_path / start / "best"))
        (tmp_path / name / "best").mkdir()
    assert len(trainings(tmp_path / "a" / "best")) == 2


@pytest.mark.parametrize(
    ("name", "local"),
    [("a/b", False), ("./a", True), ("/a", True), ("a/b/c", True), ("here", True)],
)
def test_a_hub_id_is_no_folder(tmp_path, monkeypatch, name, local):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert is_local(name) is local

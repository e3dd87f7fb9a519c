"""Folders that take no files, disks that fill, places that runs share, a clock that is put back."""

import json
import subprocess
import time
import warnings

import pytest
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emolit.engine.tensor_store import TensorStore
from emolit.tasks.rl import ReinforcementFinetuning
from tests.command import emolit
from tests.fakes.filler import fill
from tests.fakes.tones import write_experiment
from tests.forked import start, status

pytestmark = [pytest.mark.slow, pytest.mark.faults]


@pytest.fixture(autouse=True)
def _sentences(monkeypatch):
    monkeypatch.delenv("EMOLIT_TRACEBACK")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, nano_folder):
    """An epoch of 4 batches of 4 clips, a checkpoint after each."""
    config = write_experiment(tmp_path_factory.mktemp("folders"), nano_folder, speakers=4)
    text = config.read_text().replace("batch_size: 8", "batch_size: 4")
    text = text.replace("filename: last", "filename: last, every_n_train_steps: 1")
    text = text.replace(", tests.fakes.sounds.Sounds", "")
    config.write_text("\n".join(line for line in text.splitlines() if "RewardWatch" not in line))
    return config


def arguments(experiment, root, *more, word="fit"):
    return [word, "--config", experiment, "--trainer.default_root_dir", root, *more]


def refusal(*words):
    """Run until the end that is a sentence; return it."""
    with pytest.raises(SystemExit) as caught:
        emolit(*words)
    return str(caught.value)


def mount(folder, options):
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("needs leave to mount a disk, as root has")


@pytest.fixture(params=["read-only", "below a file"])
def closed(tmp_path, request):
    """A folder that takes no files, and how the system says it."""
    folder = tmp_path / "closed"
    if request.param == "below a file":
        folder.touch()
        yield folder / "mine", "Not a directory"
        return
    mount(folder, "ro")
    yield folder, "Read-only file system"
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path):
    """A disk of 8 MiB."""
    folder = tmp_path / "disk"
    mount(folder, "size=8m")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def filler(disk, batch):
    words = ["--trainer.callbacks+", "tests.fakes.filler.Filler"]
    words += ["--trainer.callbacks.init_args.disk", disk]
    return [*words, "--trainer.callbacks.init_args.batch", batch]


@pytest.mark.parametrize("word", ["fit", "test"])
def test_a_run_folder_that_takes_no_files_is_refused_before_anything_is_heard(
    experiment, closed, monkeypatch, word
):
    folder, how = closed
    for step in ("training_step", "validation_step", "test_step"):
        monkeypatch.setattr(ReinforcementFinetuning, step, lambda *_: pytest.fail("it began"))
    said = refusal(*arguments(experiment, folder, word=word))
    assert said.startswith(f"error: {folder}")
    assert f"cannot be written: {how}. Name a folder that takes files" in said


def test_a_cache_that_takes_no_files_is_done_without_and_said_once(
    experiment, closed, tmp_path, monkeypatch
):
    monkeypatch.setenv("EMOLIT_CACHE", str(closed[0]))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        emolit(*arguments(experiment, tmp_path / "run"))
    (said,) = [str(each.message) for each in told if "were not kept" in str(each.message)]
    assert "all audio is decoded again at the next start. Set EMOLIT_CACHE" in said


def test_a_store_that_takes_no_files_is_refused_before_the_first_step(experiment, closed, tmp_path):
    folder, how = closed
    words = ["--model.init_args.policy.init_args.store", folder / "store"]
    said = refusal(*arguments(experiment, tmp_path / "run", *words))
    assert said.startswith(f"error: {folder}")
    assert f"cannot be written: {how}." in said
    assert not (tmp_path / "run" / "last.ckpt").exists()


def test_predictions_on_a_disk_that_fills_are_whole_or_not_there(experiment, disk):
    run = disk / "run"
    words = ["--trainer.callbacks+", "PredictionWriter", *filler(disk, 1)]
    said = refusal(*arguments(experiment, run, *words, word="test"))
    assert "cannot be written: No space left on device." in said
    assert not list(run.rglob("predictions-*")) + list(run.rglob("scores.json"))
    (disk / "ballast").unlink()
    emolit(*arguments(experiment, run, word="test"))
    lines = (run / "test" / "predictions-tones.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 8
    assert json.loads((run / "test" / "scores.json").read_text())["corpora"]["tones"]["n"] == 8


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_curves_on_a_disk_that_fills_end_the_run_and_it_goes_on(experiment, disk, tmp_path):
    logger = ["--trainer.logger", "TensorBoardLogger"]
    logger += ["--trainer.logger.init_args.save_dir", disk]
    logger += ["--trainer.logger.init_args.name", "", "--trainer.logger.init_args.version", "fit"]
    run = arguments(experiment, tmp_path / "run", *logger)
    said = refusal(*run, *filler(disk, 2))
    assert "cannot be written: No space left on device." in said
    assert "--ckpt_path last" in said
    (disk / "ballast").unlink()
    emolit(*run, "--ckpt_path", "last")
    board = EventAccumulator(str(disk / "fit")).Reload()
    steps = [point.step for point in board.Scalars("train/reward")]
    assert steps == sorted(set(steps))
    assert steps[-1] == 3


def test_a_cache_on_a_full_disk_is_done_without(experiment, disk, tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIT_CACHE", str(disk / "cache"))
    fill(disk)
    with pytest.warns(UserWarning, match="were not kept .*No space left"):
        emolit(*arguments(experiment, tmp_path / "run"))
    assert not [path for path in (disk / "cache").rglob("*") if path.is_file()]


def weights(run):
    return {
        name: weight.numpy().tobytes()
        for name, weight in load_file(run / "last" / "model.safetensors").items()
    }


def test_runs_that_share_a_cache_and_a_store_are_what_they_are_alone(
    experiment, tmp_path, monkeypatch
):
    store = tmp_path / "store"
    words = ["--model.init_args.policy.init_args.store", store]
    environment = {"EMOLIT_CACHE": str(tmp_path / "cache")}
    runs = {
        name: start(
            arguments(experiment, tmp_path / name, *(words if name != "alone" else ())),
            tmp_path / f"{name}.txt",
            **(environment if name != "alone" else {}),
        )
        for name in ("alone", "first", "second")
    }
    assert {name: status(run) for name, run in runs.items()} == dict.fromkeys(runs, 0)
    alone, first, second = (weights(tmp_path / name) for name in runs)
    assert alone == first == second
    entries = [path for path in store.rglob("*") if path.is_file()]
    assert entries
    assert all(TensorStore(store).load(path.stem) for path in entries)  # none is damaged, or a rest
    durations = [*(tmp_path / "cache").iterdir()]
    assert [len(json.loads(path.read_text())) for path in durations] == [32]


def test_of_two_runs_in_one_folder_one_is_refused_and_the_other_is_whole(experiment, tmp_path):
    logs = [tmp_path / f"{number}.txt" for number in range(2)]
    runs = [start(arguments(experiment, tmp_path / "run"), log) for log in logs]
    found = {status(run): log.read_text() for run, log in zip(runs, logs, strict=True)}
    assert found.keys() == {0, 1}
    assert "is the folder of a run that is going on" in found[1] or "holds a run" in found[1]
    emolit(*arguments(experiment, tmp_path / "alone"))
    assert weights(tmp_path / "run") == weights(tmp_path / "alone")


def test_a_run_goes_on_where_the_clock_was_put_back(experiment, tmp_path, monkeypatch):
    """By eleven days, to before the first part of the run: TensorBoard sorts by time."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    emolit(*arguments(experiment, whole))
    emolit(*arguments(experiment, run, "--trainer.max_steps", 2))
    before = time.time
    monkeypatch.setattr(time, "time", lambda: before() - 1e6)
    emolit(*arguments(experiment, run, "--ckpt_path", "last"))
    assert weights(run) == weights(whole)
    curves = [
        [(point.step, point.value) for point in board.Scalars("train/reward")]
        for board in (EventAccumulator(str(each / "fit")).Reload() for each in (whole, run))
    ]
    assert len(curves[0]) == 4
    assert curves[0] == curves[1]

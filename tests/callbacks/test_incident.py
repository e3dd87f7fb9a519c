"""A step with NaN or infinity is kept, and the command that the error names repeats it."""

import json
import re
import shlex

import pytest
import torch

from emolit.callbacks.incident import FOLDER, START
from emolit.errors import NonFiniteError
from tests.command import emolit
from tests.fakes.tones import write_experiment

pytestmark = pytest.mark.filterwarnings("ignore:The dirpath has changed")  # it is the replay's
LAST = "init_args: {filename: last"
STEP = 2


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, nano_folder):
    """Batches of 4 clips, two of them a step; a checkpoint after each step."""
    folder = tmp_path_factory.mktemp("experiment")
    config = write_experiment(folder, nano_folder, speakers=4)
    text = config.read_text().replace(LAST, f"{LAST}, every_n_train_steps: 1")
    text = text.replace("batch_size: 8", "batch_size: 2").replace(", tests.fakes.sounds.Sounds", "")
    text = "\n".join(line for line in text.splitlines() if "RewardWatch" not in line)
    config.write_text(text.replace("trainer:\n", "trainer:\n  accumulate_grad_batches: 2\n", 1))
    return config


def arguments(config, run, *more):
    return ["fit", "--config", str(config), "--trainer.default_root_dir", str(run), *more]


def breaker(what, **settings):
    given = {"what": what, "step": STEP, **settings}
    words = ["--trainer.callbacks+", "tests.fakes.broken.Breaker"]
    for name, value in given.items():
        words += [f"--trainer.callbacks.init_args.{name}", str(value)]
    return words


def broken(*words):
    """Run until the numbers break; return the error and the command that it names."""
    with pytest.raises(NonFiniteError) as caught:
        emolit(*words)
    (note,) = caught.value.__notes__
    return str(caught.value), note.partition("To run it again: ")[2]


def record(run, rank=0):
    return json.loads((run / FOLDER / f"rank{rank}.json").read_text())


REWARD = ["--model.init_args.rewards+", "tests.fakes.broken.NoNumber"]
REWARD += ["--model.init_args.rewards.init_args.clip"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (breaker("loss"), "The loss is nan on the clips"),
        (breaker("gradient"), "The norm of the gradient is (inf|nan) in step 2"),
        (REWARD, "on clip '.*' of 'tones' returned nan for the response"),
    ],
    ids=["loss", "gradient", "reward"],
)
def test_the_command_repeats_the_very_step_and_nothing_else(experiment, tmp_path, fault, message):
    run = tmp_path / "run"
    if fault is REWARD:
        fault = [*fault, third_step(experiment, tmp_path)]
    said, command = broken(*arguments(experiment, run, *fault))
    assert re.search(message, said)
    kept = record(run)
    assert kept["error"] == said
    assert (kept["step"], kept["epoch"], kept["seed"]) == (STEP, 0, 3)
    assert kept["batch"] in (4, 5)
    assert len(kept["clips"]) == 2 * (kept["batch"] - 3)
    assert (kept["broken_weights"], kept["command"]) == ([], command)
    assert torch.load(run / "last.ckpt", weights_only=True)["global_step"] == STEP
    again, _ = broken(*shlex.split(command)[1:])
    assert again == said
    repeated = record(run / FOLDER / "replay")
    same = ("error", "step", "epoch", "batch", "seed", "clips", "broken_weights")
    assert {name: repeated[name] for name in same} == {name: kept[name] for name in same}
    assert not (run / FOLDER / "replay" / "last.ckpt").exists()  # no step was made before


def third_step(experiment, tmp_path):
    """Return the last clip that the third step hears."""
    broken(*arguments(experiment, tmp_path / "probe", *breaker("gradient")))
    return record(tmp_path / "probe")["clips"][-1]["id"]


def test_broken_weights_never_reach_a_checkpoint_and_the_last_good_one_repeats_them(
    experiment, tmp_path
):
    run = tmp_path / "run"
    said, command = broken(*arguments(experiment, run, *breaker("weights")))
    assert "After step 3 1 of the weights that train hold NaN or infinity, such as 'policy." in said
    assert "last.ckpt stays what it was" in said
    good = torch.load(run / "last.ckpt", weights_only=True)
    assert good["global_step"] == STEP
    assert all(weight.isfinite().all() for weight in good["state_dict"].values())
    kept = record(run)
    assert len(kept["broken_weights"]) == 1
    assert kept["checkpoint"] == str(run / "last.ckpt")
    assert not (run / FOLDER / START).exists()
    assert broken(*shlex.split(command)[1:])[0] == said


def test_weights_that_break_between_checkpoints_are_found_and_the_run_is_repeated(
    experiment, tmp_path
):
    """Nothing was saved yet: the command begins where the run began."""
    rare = tmp_path / "rare.yaml"
    rare.write_text(experiment.read_text().replace("train_steps: 1", "train_steps: 100"))
    said, command = broken(*arguments(rare, tmp_path / "run", *breaker("weights")))
    assert "The policy's probabilities are no numbers on the clips" in said
    assert "--ckpt_path" not in command
    assert record(tmp_path / "run")["broken_weights"]
    assert not (tmp_path / "run" / "last").exists()
    assert broken(*shlex.split(command)[1:])[0] == said


def test_a_validation_that_breaks_is_repeated_at_once(experiment, tmp_path):
    run = tmp_path / "run"
    words = arguments(experiment, run, "--trainer.val_check_interval", "4", *REWARD, "wav/s2-0.wav")
    said, command = broken(*words)
    assert "wav/s2-0.wav" in said
    kept = record(run)
    assert (kept["step"], kept["batch"]) == (STEP, None)
    assert "wav/s2-0.wav" in [clip["id"] for clip in kept["clips"]]
    assert broken(*shlex.split(command)[1:])[0] == said
    assert record(run / FOLDER / "replay")["step"] == STEP


def test_the_command_line_shows_folder_and_command_below_the_error(
    experiment, tmp_path, monkeypatch
):
    monkeypatch.delenv("EMOLIT_TRACEBACK")
    run = tmp_path / "run"
    with pytest.raises(SystemExit) as caught:
        emolit(*arguments(experiment, run, *breaker("loss")))
    first, second = str(caught.value).splitlines()
    assert first.startswith("error: The loss is nan on the clips")
    assert second.startswith(f"The step is kept in {run / FOLDER}. To run it again: emolit fit ")


def test_a_full_disk_does_not_hide_the_error(experiment, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / FOLDER).write_text("in the way of the folder")
    with pytest.raises(NonFiniteError, match="The loss is nan") as caught:
        emolit(*arguments(experiment, run, *breaker("loss")))
    assert caught.value.__notes__[0].startswith(f"The step could not be kept in {run / FOLDER}: ")


def test_a_run_that_is_replaced_takes_its_incident_along(experiment, tmp_path):
    run = tmp_path / "run"
    broken(*arguments(experiment, run, *breaker("loss")))
    emolit(*arguments(experiment, run, "--overwrite", "true", "--trainer.max_steps", "1"))
    assert not (run / FOLDER).exists()

"""One process, two under DDP, two with sharded weights: the same samples, losses and weights."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emolit.commands.export import main as export
from tests.fakes.tones import write_experiment

TRAINERS = Path(__file__).parents[1] / "configs" / "trainers"
RUNS = {
    "one": [],
    "ddp": ["--trainer", TRAINERS / "ddp.yaml"],
    "fsdp": ["--trainer", TRAINERS / "fsdp.yaml"],
}
TWO = ["--trainer.accelerator", "cpu", "--trainer.devices", 2, "--trainer.precision", "32-true"]
TWO += ["--data.init_args.loading.batch_size", 4]
BATCH = """
model:
  init_args:
    objective: {class_path: DAPO, init_args: {kl: 0.0}}
    advantage: emolit.advantages.standardized_by_batch
    per_reward: emolit.advantages.standardized
    reward_kl: {class_path: emolit.rl.kl.AdaptiveKL, init_args: {target: 0.001}}
    redraws: 2
    skip_flat_groups: true
"""
LORA = ["--model.init_args.policy.init_args.lora", "{rank: 2, train: [multi_modal_projector]}"]
SYNC = ["--trainer.callbacks+", "SyncReference", "--trainer.callbacks.init_args.every_n_steps", 2]
SYNC += ["--trainer.callbacks.init_args.alpha", 0.5]
SYNC += ["--model.init_args.objective.init_args.kl", 1.0]
FORMS = {"full": [], "lora": LORA, "full, synced": SYNC, "lora, synced": LORA + SYNC}
FORMS |= {"batch": [], "buffered": []}  # other settings of the task


def fit(config: Path, root: Path, *more: object) -> None:
    arguments = ["fit", "--config", config, "--trainer.default_root_dir", root, *more]
    done = subprocess.run(
        [sys.executable, "-m", "emolit", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def config(tmp_path_factory, nano_folder):
    folder = tmp_path_factory.mktemp("strategies")
    (folder / "batch.yaml").write_text(BATCH)
    return write_experiment(folder, nano_folder, speakers=6)


def scalars(root: Path) -> dict[str, list[float]]:
    board = EventAccumulator(str(root / "fit")).Reload()
    wanted = {"train/loss", "train/kl", "train/grad_norm", "train/reward", "val/tones/UA"}
    wanted |= {"train/reward_kl", "train/reward_kl_coefficient", "watch/flat"}
    wanted |= {"tokens/mean", "tokens/median", "tokens/p90", "tokens/finished_max"}
    wanted |= {"said/happy", "said/sad", "train/rollout_gap_max"}
    names = wanted.intersection(board.Tags()["scalars"])
    return {name: [score.value for score in board.Scalars(name)] for name in names}


BUFFERED = ("class_path: ReinforcementFinetuning", "class_path: BufferedReinforcementFinetuning")


@pytest.mark.slow
@pytest.mark.parametrize("form", list(FORMS))
def test_two_processes_are_one(config, tmp_path, form):
    overlay = ["--config", config.with_name("batch.yaml")] if form == "batch" else []
    if form == "buffered":
        text = config.read_text().replace(*BUFFERED)
        config = tmp_path / "buffered.yaml"
        config.write_text(text + "    epochs: 2\n    minibatches: 2\n")
    weights, curves = {}, {}
    for name, strategy in RUNS.items():
        fit(config, tmp_path / name, *overlay, *FORMS[form], *strategy, *(TWO if strategy else []))
        (file,) = (tmp_path / name / "last").glob("*model.safetensors")
        kept = torch.load(tmp_path / name / "last.ckpt", weights_only=True)["state_dict"]
        weights[name], curves[name] = load_file(file) | kept, scalars(tmp_path / name)
    assert len(curves["one"]["train/loss"]) == (16 if form == "buffered" else 4)
    assert max(curves["one"]["train/reward"]) > 0
    for name in ("ddp", "fsdp"):
        for key, values in curves["one"].items():
            # a logged KL is the mean over tokens of a process: few rows of uneven length differ
            near = 1e-4 if (form, key) == ("buffered", "train/kl") else 1e-5
            assert curves[name][key] == pytest.approx(values, abs=near), (name, key)
        assert weights[name].keys() == weights["one"].keys()
        for key, weight in weights["one"].items():
            torch.testing.assert_close(weights[name][key], weight, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_two_processes_in_bfloat16_are_one(config, nano_folder, tmp_path):
    """Shards are cast as they are gathered, gradients summed in float32: products alone round."""
    ends, curves = {}, {}
    for devices, clips in ((1, 8), (2, 4)):
        root = tmp_path / str(devices)
        settings = [*RUNS["fsdp"], *TWO, "--trainer.precision", "bf16-mixed"]
        settings += ["--trainer.devices", devices, "--data.init_args.loading.batch_size", clips]
        fit(config, root, *settings, "--trainer.max_steps", 2)
        (file,) = (root / "last").glob("*model.safetensors")
        ends[devices], curves[devices] = load_file(file), scalars(root)
    assert curves[1]["train/reward"] == curves[2]["train/reward"]  # the same samples
    assert curves[1]["train/grad_norm"] == pytest.approx(curves[2]["train/grad_norm"], rel=5e-3)
    (file,) = nano_folder.glob("*.safetensors")
    start = load_file(file)
    assert any((ends[1][key] - start[key]).abs().max() > 1e-2 for key in start)
    for key, weight in ends[1].items():
        assert weight.dtype == start[key].dtype == torch.float32
        torch.testing.assert_close(ends[2][key], weight, atol=1e-3, rtol=0)


@pytest.mark.slow
def test_a_sharded_run_resumes_bit_for_bit_with_its_moved_reference(config, tmp_path):
    """Under an optimizer that has a state: Lightning 2.6 cannot load an empty one."""
    config = Path(shutil.copy(config, tmp_path))
    config.write_text(config.read_text().replace("optim.SGD", "optim.AdamW"))
    settings = [*SYNC, *RUNS["fsdp"], *TWO, "--model.init_args.optimizer.init_args.lr", 1e-3]
    fit(config, tmp_path / "run", *settings)
    two = [*settings, "--trainer.max_epochs", 2]
    fit(config, tmp_path / "run", *two, "--ckpt_path", "last")
    fit(config, tmp_path / "whole", *two)
    ends = [
        torch.load(tmp_path / name / "last.ckpt", weights_only=True) for name in ("whole", "run")
    ]
    assert ends[0]["global_step"] == ends[1]["global_step"] == 8
    assert any("frozen_twin" in name for name in ends[0]["state_dict"])
    for name, weight in ends[0]["state_dict"].items():
        assert torch.equal(ends[1]["state_dict"][name], weight), name


@pytest.mark.slow
def test_a_run_whose_checkpoints_are_sharded_saves_often_and_resumes_bit_for_bit(config, tmp_path):
    """Each process writes its part, so that ``last.ckpt`` is a folder."""
    config = Path(shutil.copy(config, tmp_path))
    config.write_text(config.read_text().replace("optim.SGD", "optim.AdamW"))
    settings = [*RUNS["fsdp"], *TWO, "--trainer.devices", 1]
    settings += ["--model.init_args.optimizer.init_args.lr", 1e-3]
    settings += ["--trainer.strategy.init_args.save_distributed_checkpoint", "true"]
    settings += ["--data.init_args.loading.batch_size", 8]
    settings += ["--trainer.callbacks+", "AdapterCheckpoint"]
    settings += ["--trainer.callbacks.init_args.filename", "often"]
    settings += ["--trainer.callbacks.init_args.every_n_train_steps", 1]
    fit(config, tmp_path / "run", *settings, "--trainer.max_steps", 3)
    assert (tmp_path / "run" / "last.ckpt").is_dir()
    fit(config, tmp_path / "run", *settings, "--ckpt_path", "last")
    fit(config, tmp_path / "whole", *settings)
    for name in ("whole", "run"):
        assert not list((tmp_path / name / "last").glob("*.safetensors"))  # no process had it whole
        assert export([str(tmp_path / name / "last"), "--out", str(tmp_path / f"of {name}")]) == 0
    ends = [load_file(tmp_path / f"of {name}" / "model.safetensors") for name in ("whole", "run")]
    assert all(torch.equal(ends[1][name], weight) for name, weight in ends[0].items())


DYING = """
import os
from torch.distributed.checkpoint.filesystem import FileSystemWriter

saves, before = [], FileSystemWriter.write_data

def write_data(*given):
    saves.append(0)
    if len(saves) == 2:
        os.kill(os.getpid(), 9)
    return before(*given)

FileSystemWriter.write_data = write_data
from emolit.cli import main
main()
"""
"""A run that dies while its second checkpoint is written beside the training."""


@pytest.mark.slow
def test_a_kill_while_parts_are_written_beside_the_training_leaves_the_checkpoint_before(
    config, tmp_path
):
    text = config.read_text().replace("optim.SGD", "optim.AdamW")
    forms = {"whole": "every_n_train_steps: 1", "run": "every_n_train_steps: 1, asynchronous: true"}
    for name, given in forms.items():
        changed = text.replace("{filename: last}", f"{{filename: last, {given}}}")
        assert changed != text
        (tmp_path / f"{name}.yaml").write_text(changed)
    settings = [*RUNS["fsdp"], *TWO, "--trainer.devices", 1]
    settings += ["--model.init_args.optimizer.init_args.lr", 1e-3]
    settings += ["--trainer.strategy.init_args.save_distributed_checkpoint", "true"]
    settings += ["--data.init_args.loading.batch_size", 8]
    fit(tmp_path / "whole.yaml", tmp_path / "whole", *settings)
    config = tmp_path / "run.yaml"
    words = ["fit", "--config", config, "--trainer.default_root_dir", tmp_path / "run", *settings]
    command = [sys.executable, "-c", DYING, *map(str, words)]
    died = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert died.returncode == -9, died.stderr[-3000:]
    kept = torch.load(tmp_path / "run" / "last.ckpt" / "meta.pt", weights_only=True)
    assert kept["global_step"] == 1
    assert (tmp_path / "run" / ".last.ckpt.part").is_dir()  # the second one, not whole
    fit(config, tmp_path / "run", *settings, "--ckpt_path", "last")
    assert not (tmp_path / "run" / ".last.ckpt.part").exists()
    for name in ("whole", "run"):
        assert export([str(tmp_path / name / "last"), "--out", str(tmp_path / f"of {name}")]) == 0
    ends = [load_file(tmp_path / f"of {name}" / "model.safetensors") for name in ("whole", "run")]
    assert all(torch.equal(ends[1][name], weight) for name, weight in ends[0].items())


@pytest.mark.slow
def test_a_whole_batch_is_the_accumulated_one(config, nano_folder, tmp_path):
    """8 clips at once, and twice 4 before a step: the same samples, gradients and weights."""
    halves = ["--data.init_args.loading.batch_size", 4, "--trainer.accumulate_grad_batches", 2]
    ends = []
    for name, settings in {"whole": [], "halves": halves}.items():
        fit(config, tmp_path / name, *settings)
        (file,) = (tmp_path / name / "last").glob("*model.safetensors")
        ends.append(load_file(file))
    (file,) = nano_folder.glob("*.safetensors")
    start = load_file(file)
    assert any((ends[0][key] - start[key]).abs().max() > 1e-3 for key in start)
    for key, weight in ends[0].items():
        torch.testing.assert_close(ends[1][key], weight, atol=1e-6, rtol=0)

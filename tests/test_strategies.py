"""One process, two under DDP, two with sharded weights: the same samples, losses and weights."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.fakes.tones import write_experiment

TRAINERS = Path(__file__).parents[1] / "configs" / "trainers"
RUNS = {
    "one": [],
    "ddp": ["--trainer", TRAINERS / "ddp.yaml"],
    "fsdp": ["--trainer", TRAINERS / "fsdp.yaml"],
}
TWO = ["--trainer.accelerator", "cpu", "--trainer.devices", 2, "--trainer.precision", "32-true"]
TWO += ["--data.init_args.loading.batch_size", 4]
LORA = ["--model.init_args.policy.init_args.lora", "{rank: 2, train: [multi_modal_projector]}"]


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
    return write_experiment(folder, nano_folder, speakers=6)


def scalars(root: Path) -> dict[str, list[float]]:
    board = EventAccumulator(str(root / "lightning_logs" / "version_0")).Reload()
    wanted = ("train/loss", "train/kl", "train/grad_norm", "train/reward", "val/tones/UA")
    return {name: [score.value for score in board.Scalars(name)] for name in wanted}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["full", "lora"])
def test_two_processes_are_one(config, tmp_path, form):
    extra = LORA if form == "lora" else []
    weights, curves = {}, {}
    for name, strategy in RUNS.items():
        fit(config, tmp_path / name, *extra, *strategy, *(TWO if strategy else []))
        (file,) = (tmp_path / name / "last").glob("*model.safetensors")
        weights[name], curves[name] = load_file(file), scalars(tmp_path / name)
    assert len(curves["one"]["train/loss"]) == 4
    assert max(curves["one"]["train/reward"]) > 0
    for name in ("ddp", "fsdp"):
        for key, values in curves["one"].items():
            assert curves[name][key] == pytest.approx(values, abs=1e-5), (name, key)
        assert weights[name].keys() == weights["one"].keys()
        for key, weight in weights["one"].items():
            torch.testing.assert_close(weights[name][key], weight, atol=1e-5, rtol=0)

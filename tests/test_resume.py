"""A run that is killed and resumed ends with the very weights of one that was not."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.command import emolit
from tests.fakes.tones import write_tones

CONFIG = """
seed_everything: 3
trainer:
  accelerator: cpu
  max_epochs: 2
  accumulate_grad_batches: 2
  limit_val_batches: 0
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - {class_path: AdapterCheckpoint, init_args: {filename: last, every_n_train_steps: 2}}
prompt: Direct
data:
  class_path: Manifest
  init_args: {path: tones.csv, root: ROOT, loading: {batch_size: 4}}
model:
  class_path: ReinforcementFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: NANO}}
    objective: {class_path: GRPO}
    rewards: [Correct, WellFormed]
    evaluator: {class_path: Categorical}
    group_size: 4
    sampling: {max_tokens: 6}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 1.0e-3}}
    scheduler: {class_path: torch.optim.lr_scheduler.LinearLR, init_args: {total_iters: 10}}
"""


def arguments(config: Path, root: Path) -> list[str]:
    return ["fit", "--config", str(config), "--trainer.default_root_dir", str(root)]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, nano_folder):
    folder = tmp_path_factory.mktemp("resume")
    write_tones(folder / "data")
    config = folder / "grpo.yaml"
    config.write_text(
        CONFIG.replace("ROOT", str(folder / "data")).replace("NANO", str(nano_folder))
    )
    emolit(*arguments(config, folder / "whole"))
    return config, load_file(folder / "whole" / "last" / "model.safetensors")


# An epoch has 12 batches, that is 6 optimizer steps; checkpoints come after steps 2, 4, 6, ...
@pytest.mark.parametrize(
    "batches",
    [
        9,  # inside an accumulation window, in the middle of an epoch
        pytest.param(8, marks=pytest.mark.slow),  # right after a checkpoint
        pytest.param(12, marks=pytest.mark.slow),  # at the end of an epoch
        pytest.param(13, marks=pytest.mark.slow),  # at the beginning of the next
        pytest.param(19, marks=pytest.mark.slow),
    ],
)
def test_killed_and_resumed_equals_uninterrupted_bit_for_bit(uninterrupted, tmp_path, batches):
    config, expected = uninterrupted
    killer = ["--trainer.callbacks+", "tests.fakes.killer.Killer"]
    killer += ["--trainer.callbacks.init_args.batches", str(batches)]
    killed = subprocess.run(
        [sys.executable, "-m", "emolit", *arguments(config, tmp_path / "run"), *killer],
        check=False,
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert (tmp_path / "run" / "last" / "model.safetensors").is_file()
    emolit(*arguments(config, tmp_path / "run"), "--ckpt_path", "last")
    resumed = load_file(tmp_path / "run" / "last" / "model.safetensors")
    assert resumed.keys() == expected.keys()
    assert all((resumed[name] == expected[name]).all() for name in expected)

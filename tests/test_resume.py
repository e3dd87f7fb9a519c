"""A run that is killed and resumed ends with the very weights of one that was not."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.command import emolit
from tests.fakes.tones import write_tones

CONFIG = """
seed_everything: 3
trainer:
  accelerator: cpu
  max_epochs: 2
  accumulate_grad_batches: 2
  limit_val_batches: 0
  log_every_n_steps: 1
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
    objective:
      class_path: GRPO
      init_args: {kl: {class_path: emolit.rl.kl.AdaptiveKL, init_args: {target: 0.001}}}
    rewards: [Correct, WellFormed]
    evaluator: {class_path: Categorical}
    group_size: 4
    sampling: {max_tokens: 6}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 3.0e-3}}
    scheduler: {class_path: torch.optim.lr_scheduler.LinearLR, init_args: {total_iters: 10}}
"""


SFT = ("ReinforcementFinetuning", "SupervisedFinetuning")
FAST = ("--model.init_args.optimizer.init_args.lr", "1e-2")
WARM = re.compile(
    r" +(objective|rewards|group_size):.*\n( +(class_path: GRPO|init_args: {kl).*\n)*"
)
"""Lines that only the reinforcement task has."""


def arguments(config: Path, root: Path) -> list[str]:
    return ["fit", "--config", str(config), "--trainer.default_root_dir", str(root)]


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``emolit`` in its own process: tests before this one may have left one thread here.

    Sums over another number of threads differ in their last bits.
    """
    command = [sys.executable, "-m", "emolit", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)


def finished(*arguments: str) -> None:
    done = alone(*arguments)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, nano_folder):
    folder = tmp_path_factory.mktemp("resume")
    write_tones(folder / "data")
    text = CONFIG.replace("ROOT", str(folder / "data"))
    config = folder / "sft.yaml"
    config.write_text(WARM.sub("", text).replace("NANO", str(nano_folder)).replace(*SFT))
    emolit(*arguments(config, folder / "warm"), "--trainer.max_epochs", "8", *FAST)
    config = folder / "grpo.yaml"
    config.write_text(text.replace("NANO", str(folder / "warm" / "last")))
    finished(*arguments(config, folder / "whole"))
    board = EventAccumulator(str(folder / "whole" / "fit")).Reload()
    assert sum(score.value > 0 for score in board.Scalars("reward/correct_sd")) > 8
    assert board.Scalars("train/kl")[0].value == 0.0
    assert board.Scalars("train/kl")[-1].value > 0.0
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
    killed_and_resumed(config, tmp_path, batches)
    resumed = load_file(tmp_path / "run" / "last" / "model.safetensors")
    assert resumed.keys() == expected.keys()
    assert all((resumed[name] == expected[name]).all() for name in expected)


def killed_and_resumed(config, tmp_path, batches):
    """Run until the process dies, and again to the end."""
    killer = ["--trainer.callbacks+", "tests.fakes.killer.Killer"]
    killer += ["--trainer.callbacks.init_args.batches", str(batches)]
    killed = alone(*arguments(config, tmp_path / "run"), *killer)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-2000:]
    assert list((tmp_path / "run" / "last").glob("*.safetensors"))
    finished(*arguments(config, tmp_path / "run"), "--ckpt_path", "last")


BUFFERED = (
    ("class_path: ReinforcementFinetuning", "class_path: BufferedReinforcementFinetuning"),
    ("group_size: 4", "group_size: 4\n    epochs: 2\n    minibatches: 2\n    importance_cap: 2.0"),
    ("max_epochs: 2", "max_epochs: 1\n  val_check_interval: 5"),
    ("accumulate_grad_batches: 2", "accumulate_grad_batches: 1"),
    ("limit_val_batches: 0", "limit_val_batches: 1\n  num_sanity_val_steps: 0"),
    ("every_n_train_steps: 2", "every_n_train_steps: 3"),
)
"""Four updates a rollout, 12 rollouts; checkpoints after 3, 6, 9, ... of 48 updates."""


@pytest.fixture(scope="module")
def buffered(uninterrupted):
    grpo, simple = uninterrupted
    text = grpo.read_text()
    for before, after in BUFFERED:
        assert before in text
        text = text.replace(before, after)
    config = grpo.with_name("buffered.yaml")
    config.write_text(text)
    finished(*arguments(config, grpo.parent / "buffered"))
    weights = load_file(grpo.parent / "buffered" / "last" / "model.safetensors")
    assert not all((weights[name] == simple[name]).all() for name in simple)
    return config, weights


@pytest.mark.slow
@pytest.mark.parametrize("updates", [4, 11, 13, 14, 47])
def test_several_updates_a_rollout_resume_between_them(buffered, tmp_path, updates):
    config, expected = buffered
    killed_and_resumed(config, tmp_path, updates)
    resumed = load_file(tmp_path / "run" / "last" / "model.safetensors")
    assert all((resumed[name] == expected[name]).all() for name in expected)


@pytest.mark.slow
def test_two_processes_resume_each_with_its_own_rollout(buffered, tmp_path):
    config, _ = buffered
    two = config.with_name("two.yaml")
    settings = "  accelerator: cpu\n  devices: 2\n  strategy: ddp\n"
    text = config.read_text().replace("  accelerator: cpu\n", settings)
    two.write_text(text.replace("batch_size: 4", "batch_size: 2"))
    finished(*arguments(two, tmp_path / "whole"))
    finished(*arguments(two, tmp_path / "run"), "--trainer.max_steps", "9")
    finished(*arguments(two, tmp_path / "run"), "--ckpt_path", "last")
    expected, resumed = (
        load_file(tmp_path / name / "last" / "model.safetensors") for name in ("whole", "run")
    )
    assert all((resumed[name] == expected[name]).all() for name in expected)


@pytest.mark.slow
def test_an_adapter_that_was_trained_before_resumes_with_its_frozen_twin(uninterrupted, tmp_path):
    """The run starts from a trained adapter beside a frozen tower, so its reference is a twin."""
    config, _ = uninterrupted
    folder = config.parent
    lora = "{checkpoint: NANO, freeze: [audio_tower], lora: {rank: 2}}"
    text = config.read_text()
    start = f"{{checkpoint: {folder / 'warm' / 'last'}}}"
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(text.replace(start, lora.replace("NANO", str(folder / "warm" / "last"))))
    finished(*arguments(first, tmp_path / "first"))
    second.write_text(text.replace(start, lora.replace("NANO", str(tmp_path / "first" / "last"))))
    finished(*arguments(second, tmp_path / "whole"))
    expected = load_file(tmp_path / "whole" / "last" / "adapter_model.safetensors")
    before = load_file(tmp_path / "first" / "last" / "adapter_model.safetensors")
    assert not all((expected[name] == before[name]).all() for name in expected)
    killed_and_resumed(second, tmp_path, 9)
    resumed = load_file(tmp_path / "run" / "last" / "adapter_model.safetensors")
    assert resumed.keys() == expected.keys()
    assert all((resumed[name] == expected[name]).all() for name in expected)

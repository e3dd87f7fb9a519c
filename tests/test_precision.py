"""GRPO in bfloat16, mixed and true, with and without gradient checkpointing."""

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.command import emolit
from tests.fakes.tones import write_experiment

CHECKPOINTED = ["--model.init_args.policy.init_args.gradient_checkpointing", "true"]


@pytest.fixture(scope="module")
def config(tmp_path_factory, nano_folder):
    folder = tmp_path_factory.mktemp("precision")
    return write_experiment(folder, nano_folder, speakers=4)


@pytest.mark.filterwarnings("ignore:100% of what trains, .* under `trainer.precision. bf16-true")
@pytest.mark.parametrize("more", [[], CHECKPOINTED], ids=["kept", "checkpointed"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "bf16-true"])
def test_grpo_runs_and_the_first_ratio_is_one(config, tmp_path, precision, more):
    root = ["--trainer.default_root_dir", tmp_path, "--trainer.precision", precision]
    emolit("fit", "--config", config, *root, *more)
    board = EventAccumulator(str(tmp_path / "fit")).Reload()
    losses = [score.value for score in board.Scalars("train/loss")]
    assert len(losses) == 2
    assert all(abs(loss) < 1 for loss in losses)
    assert board.Scalars("train/kl")[0].value == pytest.approx(0, abs=1e-6)
    assert board.Scalars("train/kl")[1].value > 0
    assert board.Scalars("train/grad_norm")[0].value > 0.01
    rounding = 1e-4 if precision == "32-true" else 0.05
    assert board.Scalars("train/rollout_gap")[0].value < rounding
    weights = load_file(tmp_path / "last" / "model.safetensors")
    expected = torch.bfloat16 if precision == "bf16-true" else torch.float32
    assert {weight.dtype for weight in weights.values()} == {expected}

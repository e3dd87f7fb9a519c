"""A reference that follows the policy, in whole runs."""

from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import Callback
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from emolit.callbacks.sync_reference import SyncReference
from emolit.errors import ConfigError, PolicyError
from tests.command import emolit
from tests.fakes.tones import write_tones
from tests.tasks.toy import Table

CONFIG = """
seed_everything: 3
trainer:
  accelerator: cpu
  max_steps: 6
  max_epochs: 2
  accumulate_grad_batches: 2
  limit_val_batches: 0
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - {class_path: AdapterCheckpoint, init_args: {filename: last, every_n_train_steps: 3}}
    - {class_path: SyncReference, init_args: {every_n_steps: 2, alpha: ALPHA}}
prompt: Direct
data:
  class_path: Manifest
  init_args: {path: tones.csv, root: ROOT, loading: {batch_size: 6}}
model:
  class_path: ReinforcementFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: NANO}}
    objective: {class_path: GRPO, init_args: {kl: 1.0}}
    rewards: [tests.fakes.sounds.Sounds]
    evaluator: {class_path: Categorical}
    group_size: 4
    sampling: {max_tokens: 4}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 1.0e-2}}
"""
LORA = ["--model.init_args.policy.init_args.lora", "{rank: 2, train: [multi_modal_projector]}"]


class Stop(Callback):
    """Ends a run in the middle of an epoch, without its end."""

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if batch_idx == 6:
            raise InterruptedError


@pytest.fixture
def fit(tmp_path, nano_folder):
    """Run a config below a folder."""
    write_tones(tmp_path / "data")
    text = CONFIG.replace("ROOT", str(tmp_path / "data")).replace("NANO", str(nano_folder))

    def run(name, alpha, *more):
        file = tmp_path / f"{alpha}.yaml"
        file.write_text(text.replace("ALPHA", str(alpha)))
        emolit("fit", "--config", file, "--trainer.default_root_dir", tmp_path / name, *more)
        return tmp_path / name

    return run


def curve(root, name):
    board = EventAccumulator(str(root / "fit")).Reload()
    return [score.value for score in board.Scalars(name)]


def test_the_kl_is_zero_after_each_hard_sync_and_the_curve_says_when(fit):
    """Two batches a step, of which Lightning logs the second, and two steps a sync."""
    root = fit("hard", 1.0)
    kl = curve(root, "train/kl")
    assert curve(root, "train/reference_step") == [0, 2, 2, 4, 4, 6]
    assert [value == 0 for value in kl] == [True, False] * 3


@pytest.mark.parametrize("form", ["full", "lora"])
def test_a_resumed_run_ends_as_one_that_was_not_stopped(fit, form):
    """It stops between two syncs, with a reference that is neither the start nor the policy."""
    extra = LORA if form == "lora" else []
    whole = fit("whole", 0.5, *extra)
    stop = ["--trainer.callbacks+", f"{__name__}.Stop"]
    with pytest.raises(InterruptedError):
        fit("part", 0.5, *extra, *stop)
    part = whole.with_name("part")
    file = torch.load(part / "last.ckpt", weights_only=True)
    trained = [
        name for name in file["state_dict"] if "frozen_twin" in name or ".reference." in name
    ]
    assert 2 * len(trained) == len(file["state_dict"])
    assert file["global_step"] == 3
    fit("part", 0.5, *extra, "--ckpt_path", "last")
    ends = [torch.load(root / "last.ckpt", weights_only=True) for root in (whole, part)]
    assert ends[0]["global_step"] == ends[1]["global_step"] == 6
    for name, expected in ends[0]["state_dict"].items():
        assert torch.equal(ends[1]["state_dict"][name], expected), name
    (weights,) = (whole / "last").glob("*model.safetensors")
    assert not any("reference" in name or "twin" in name for name in load_file(weights))


def test_a_file_without_the_moved_reference_is_refused(fit):
    fit("run", 0.5, "--trainer.max_steps", 1, "--trainer.callbacks", "[AdapterCheckpoint]")
    with pytest.raises(PolicyError, match="settings of `policy` and `SyncReference`"):
        fit("run", 0.5, "--ckpt_path", "last")


class Listens:
    """A task and its policy, whose syncs are counted."""

    needs_reference = True

    def __init__(self):
        self.syncs, self.policy = [], self

    def expect_sync(self):
        self.syncs.append("expected")

    def sync_reference(self, alpha):
        self.syncs.append(alpha)

    def log(self, name, value):
        assert name == "train/reference_step"


def test_batches_of_several_steps_and_none_are_counted_right_also_after_a_resume():
    task, callback = Listens(), SyncReference(every_n_steps=4, alpha=0.5)
    callback.setup(SimpleNamespace(), task, "fit")
    synced = []
    for step in (0, 3, 3, 6, 6, 7, 16, 17):
        resumed = SyncReference(every_n_steps=4, alpha=0.5)
        resumed.load_state_dict(callback.state_dict())
        callback = resumed
        callback.on_train_batch_end(SimpleNamespace(global_step=step), task, None, None, 0)
        synced.append(callback.synced)
    assert synced == [0, 0, 0, 6, 6, 6, 16, 16]
    assert task.syncs == ["expected", 0.5, 0.5]


@pytest.mark.parametrize("settings", [{"alpha": 0.0}, {"alpha": 1.5}, {"every_n_steps": 0}])
def test_settings_that_mean_nothing_are_refused(settings):
    with pytest.raises(ConfigError, match="of SyncReference is"):
        SyncReference(**settings)


def test_a_task_without_reference_and_a_policy_that_cannot_are_refused_before_they_are_built():
    task = SimpleNamespace(needs_reference=False, policy=Table())
    SyncReference().setup(SimpleNamespace(), task, "test")
    with pytest.raises(ConfigError, match="no reference to move"):
        SyncReference().setup(SimpleNamespace(), task, "fit")
    task.needs_reference = True
    with pytest.raises(PolicyError, match="The reference of Table cannot move"):
        SyncReference().setup(SimpleNamespace(), task, "fit")

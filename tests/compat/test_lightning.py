"""What emolit relies on of Lightning holds in the installed release.

Runs that are killed and resumed (tests/test_resume.py, tests/tasks) hold the rest.
"""

import subprocess
import sys
from importlib.metadata import version
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, RichProgressBar
from torch import nn
from torch.utils.data import DataLoader

from emolit.compat.lightning import (
    CheckpointHooks,
    EpochBar,
    accumulates,
    batch_index,
    batches_before,
    batches_in_all,
    callbacks_of,
    end_started,
    ends_epoch,
    first_process,
    gather_state_by,
    keep_batches,
    rehearses,
    run_validation,
    scales_gradients,
    set_progress,
    take_over_precision,
    total_batch_index,
    trainer_of,
    validation_due,
)

HERE = f"lightning {version('lightning')} breaks what emolit/compat/lightning.py relies on"


class Line(LightningModule):
    """Fits a line; counts what is done to it."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.seen, self.validated = [], []

    def setup(self, stage):
        keep_batches(self.trainer)

    def training_step(self, batch, batch_idx):
        assert batch_index(self.trainer) == batch_idx, f"{HERE}: another batch index"
        self.seen.append(batch.dtype)
        return self.layer(batch.to(self.layer.weight.dtype)).square().mean()

    def validation_step(self, batch, batch_idx):
        self.validated.append(self.global_step)
        self.log("score", 1.0)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Watch(Callback):
    """Notes what the loop says after each batch."""

    def __init__(self):
        self.windows, self.due, self.counts = [], [], []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.windows.append(accumulates(trainer))
        self.due.append(validation_due(trainer))
        self.counts.append(total_batch_index(trainer))


def loader(batches=6):
    return DataLoader(torch.ones(batches, 1), batch_size=1)


def trainer(tmp_path, *callbacks, **settings):
    return Trainer(
        default_root_dir=tmp_path,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=any(isinstance(each, ModelCheckpoint) for each in callbacks),
        callbacks=list(callbacks),
        num_sanity_val_steps=0,
        **{"max_epochs": 1, **settings},
    )


@pytest.mark.filterwarnings("ignore:The number of training batches")
def test_windows_validations_and_counts_are_told_after_each_batch(tmp_path):
    watch, line = Watch(), Line()
    made = trainer(tmp_path, watch, accumulate_grad_batches=2, val_check_interval=3)
    made.fit(line, loader(), loader(1))
    assert watch.windows == [True, False] * 3, f"{HERE}: _should_accumulate"
    assert watch.due == [False, False, True] * 2, f"{HERE}: _should_check_val_fx"
    assert watch.counts == [0, 1, 2, 3, 4, 5], f"{HERE}: total_batch_idx"
    assert line.validated == [1, 3]


@pytest.mark.filterwarnings("ignore:The number of training batches")
@pytest.mark.filterwarnings("ignore:.*bf16-true")
def test_batches_are_not_cast(tmp_path):
    line = Line()
    trainer(tmp_path, precision="bf16-true").fit(line, loader(1), loader(1))
    assert line.seen == [torch.float32], f"{HERE}: convert_input"


@pytest.mark.filterwarnings("ignore:The number of training batches")
def test_a_validation_can_be_run_between_two_batches(tmp_path):
    class Start(Callback):
        def on_train_start(self, trainer, pl_module):
            run_validation(trainer)
            assert trainer.training, f"{HERE}: the stage is not training again"

    line = Line()
    trainer(tmp_path, Start()).fit(line, loader(2), loader(1))
    assert line.validated == [0, 2], f"{HERE}: val_loop"


def test_callbacks_can_be_added_in_front_and_a_rehearsal_is_known(tmp_path):
    made, watch = trainer(tmp_path), Watch()
    callbacks_of(made)[:0] = [watch]
    assert callbacks_of(made)[0] is watch, f"{HERE}: trainer.callbacks is another list each time"
    assert not rehearses(made)
    assert rehearses(trainer(tmp_path, fast_dev_run=True)), f"{HERE}: fast_dev_run"


def test_one_process_alone_is_the_first():
    assert first_process(), f"{HERE}: rank_zero_only has no rank"


def test_a_module_without_trainer_has_none(tmp_path):
    assert trainer_of(Line()) is None, HERE
    made = trainer(tmp_path)
    assert not scales_gradients(made)


@pytest.mark.filterwarnings("ignore:The number of training batches")
def test_a_checkpoint_holds_what_a_function_gathers(tmp_path):
    made = trainer(tmp_path)
    made.fit(Line(), loader(1), loader(1))
    gather_state_by(made, lambda: {"only": torch.ones(1)})
    made.save_checkpoint(tmp_path / "some.ckpt")
    state = torch.load(tmp_path / "some.ckpt", weights_only=True)["state_dict"]
    assert list(state) == ["only"], f"{HERE}: lightning_module_state_dict"


@pytest.mark.filterwarnings("ignore:The number of training batches")
@pytest.mark.parametrize(
    ("precision", "expected"), [("bf16-mixed", torch.bfloat16), ("32-true", None)]
)
def test_mixed_precision_is_taken_over_and_nothing_is_cast(tmp_path, precision, expected):
    class Watched(Line):
        def training_step(self, batch, batch_idx):
            casts.append(torch.is_autocast_enabled("cpu"))
            return super().training_step(batch, batch_idx)

    casts: list[bool] = []
    for taken in (False, True):
        made = trainer(tmp_path, precision=precision)
        if taken:
            assert take_over_precision(made) == expected
        made.fit(Watched(), loader(1), loader(1))
    assert casts == [expected is not None, False], f"{HERE}: autocast_context_manager"


class Named(CheckpointHooks):
    """Notes which hook was called."""

    def __init__(self, folder):
        super().__init__(dirpath=folder, filename="last", monitor="score", save_top_k=1)
        self.called = []
        self.expect_start()

    def write(self, trainer, filepath):
        self.called.append("write")
        super().write(trainer, filepath)

    def remove(self, trainer, filepath):
        self.called.append("remove")
        super().remove(trainer, filepath)

    def find_last(self, trainer):
        self.called.append("find_last")
        return super().find_last(trainer)


@pytest.mark.filterwarnings("ignore:The number of training batches")
@pytest.mark.filterwarnings("ignore:.*Checkpoint directory")
def test_the_hooks_of_a_checkpoint_are_called_and_its_counters_stand_where_they_are_set(tmp_path):
    hooks = Named(tmp_path)
    trainer(tmp_path, hooks, max_epochs=2).fit(Line(), loader(3), loader(1))
    assert hooks.called.count("write") >= 1, f"{HERE}: _save_checkpoint"
    path = next(tmp_path.glob("*.ckpt"))
    state = torch.load(path, weights_only=True)
    assert ends_epoch(state)
    assert batches_in_all(state) - batches_before(state) == 3, f"{HERE}: batch_progress"
    set_progress(state, epoch=1, batches=2, total=5, stepped=4)
    torch.save(state, path)
    again, watch = Line(), Watch()
    made = trainer(tmp_path, watch, Named(tmp_path), max_epochs=2)
    made.fit(again, loader(3), loader(1), ckpt_path=path)
    assert len(again.seen) == 1, f"{HERE}: the run does not go on behind batch 2 of epoch 1"


def test_the_last_checkpoint_is_asked_for(tmp_path):
    hooks = Named(tmp_path)
    made = trainer(tmp_path, hooks)
    with pytest.warns(UserWarning, match="last"):
        made.fit(Line(), loader(1), loader(1), ckpt_path="last")
    assert "find_last" in hooks.called, f"{HERE}: _find_last_checkpoints"


def test_the_words_for_an_epoch_can_be_overridden():
    class Named(EpochBar):
        def describe_epoch(self, trainer, epoch):
            return f"round {epoch}"

    assert Named()._get_train_description.__func__ is not RichProgressBar._get_train_description
    bar = Named()
    bar._trainer = SimpleNamespace(max_epochs=-1)
    assert bar._get_train_description(2).strip() == "round 2"
    plain = EpochBar()
    plain._trainer = bar._trainer
    assert plain._get_train_description(0).strip() == "Epoch 0/-2"  # why it is overridden


def test_the_processes_that_the_first_rank_has_started_are_ended_also_where_they_are_stopped():
    run = Trainer(accelerator="cpu", devices=2, strategy="ddp", logger=False, barebones=True)
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"]
    )
    run.strategy._configure_launcher()
    run.strategy.launcher.procs.append(sleeper)
    end_started(run)
    assert sleeper.wait(30) == -9, f"{HERE}: the launcher ends its processes otherwise"
    alone = Trainer(accelerator="cpu", devices=1, logger=False, barebones=True)
    end_started(alone)  # it has started none

"""Checkpoints: what is in the file, what others open, and what a full disk leaves."""

import errno
import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from stat import S_IMODE
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch.distributed.checkpoint.api import CheckpointException
from transformers import AutoModelForMultimodalLM

from emolit.callbacks.adapter_checkpoint import AdapterCheckpoint, checkpoint_of
from emolit.callbacks.fit_report import FitReport
from emolit.callbacks.validate_start import ValidateStart
from emolit.corpora.manifest import Manifest
from emolit.data.dataset import LoaderSettings
from emolit.engine.weights.adapters import Lora
from emolit.engine.weights.selection import selection_of
from emolit.errors import ConfigError, PolicyError
from emolit.evaluators.categorical import Categorical
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.tasks.sft import SupervisedFinetuning
from tests.fakes.tones import write_tones

pytestmark = [
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* is not empty"),
    pytest.mark.filterwarnings(r"ignore:Found \d+ module\(s\) in eval mode"),
    pytest.mark.filterwarnings("ignore:The number of training batches"),
    pytest.mark.filterwarnings("ignore:.*could not find the monitored key"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("tones")
    write_tones(root, speakers=4)
    return root


def fit(
    root,
    data,
    nano_folder,
    *,
    steps=2,
    every=1,
    resume=None,
    more=(),
    lr=1e-2,
    dry=False,
    **policy,
):
    corpus = Manifest(
        "tones.csv", root=str(data), prompt=Direct(), loading=LoaderSettings(batch_size=4)
    )
    task = SupervisedFinetuning(
        policy=Nano(str(nano_folder), **policy),
        optimizer=partial(torch.optim.AdamW, lr=lr),
        evaluator=Categorical(corpus.taxonomy),
        prompt=Direct(),
    )
    trainer = Trainer(
        default_root_dir=root,
        accelerator="cpu",
        max_steps=steps,
        fast_dev_run=dry,
        enable_progress_bar=False,
        enable_model_summary=False,
        logger=False,
        num_sanity_val_steps=0,
        callbacks=[
            AdapterCheckpoint(every_n_train_steps=every),
            AdapterCheckpoint(filename="best", monitor="val/tones/UA"),
            *more,
        ],
    )
    trainer.fit(task, corpus, ckpt_path=resume, weights_only=False)
    return task


def test_full_training_leaves_folders_that_transformers_opens(tmp_path, data, nano_folder):
    task = fit(tmp_path, data, nano_folder, steps=4)
    assert {"last", "last.ckpt", "best", "best.ckpt"} <= {path.name for path in tmp_path.iterdir()}
    model = AutoModelForMultimodalLM.from_pretrained(tmp_path / "last")
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight, task.policy.base.get_parameter(name), atol=0, rtol=0)


def test_the_file_holds_what_trains_and_not_what_is_frozen(tmp_path, data, nano_folder):
    fit(tmp_path, data, nano_folder, freeze=["audio_tower"])
    names = torch.load(tmp_path / "last.ckpt", weights_only=False)["state_dict"]
    assert any("language_model" in name for name in names)
    assert not any("audio_tower" in name for name in names)


def test_adapters_leave_a_peft_folder_and_a_small_file(tmp_path, data, nano_folder):
    fit(tmp_path, data, nano_folder, lora=Lora(rank=2, train=["multi_modal_projector"]))
    names = torch.load(tmp_path / "last.ckpt", weights_only=False)["state_dict"]
    assert all("lora_" in name or "modules_to_save" in name for name in names)
    files = {path.name for path in (tmp_path / "last").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors"} <= files
    modes = {S_IMODE(path.stat().st_mode) for path in (tmp_path / "last").iterdir()}
    assert len(modes) == 1  # who may read the settings may read the weights


def test_no_leftovers_stand_beside(tmp_path, data, nano_folder):
    fit(tmp_path, data, nano_folder, steps=3)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_disk_that_fills_leaves_the_last_good_checkpoint(
    tmp_path, data, nano_folder, monkeypatch
):
    fit(tmp_path, data, nano_folder, steps=1)
    good = torch.load(tmp_path / "last.ckpt", weights_only=False)
    weights = (tmp_path / "last" / "model.safetensors").read_bytes()

    def full(self, trainer, filepath):
        Path(filepath).write_bytes(b"half a checkpo")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lightning.pytorch.callbacks.ModelCheckpoint._save_checkpoint", full)
    with pytest.raises(OSError, match="No space left"):
        fit(tmp_path, data, nano_folder, steps=2, resume=str(tmp_path / "last.ckpt"))
    again = torch.load(tmp_path / "last.ckpt", weights_only=False)
    assert again["global_step"] == good["global_step"] == 1
    assert (tmp_path / "last" / "model.safetensors").read_bytes() == weights


def test_a_disk_that_fills_while_weights_are_written_leaves_the_last_good_ones(
    tmp_path, data, nano_folder, monkeypatch
):
    fit(tmp_path, data, nano_folder, steps=1)

    def full(self, folder, state=None):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Nano, "save", full)
        with pytest.raises(OSError, match="No space left"):
            fit(tmp_path, data, nano_folder, steps=2, resume=str(tmp_path / "last.ckpt"))
    assert torch.load(tmp_path / "last.ckpt", weights_only=False)["global_step"] == 1
    AutoModelForMultimodalLM.from_pretrained(tmp_path / "last")
    fit(tmp_path, data, nano_folder, steps=3, resume=str(tmp_path / "last.ckpt"))
    assert torch.load(tmp_path / "last.ckpt", weights_only=False)["global_step"] == 3


def test_resuming_with_another_policy_says_which_weights_differ(tmp_path, data, nano_folder):
    fit(tmp_path, data, nano_folder, freeze=["audio_tower"])
    with pytest.raises(PolicyError, match=r"differ in \d+ trained weights, such as .*audio_tower"):
        fit(tmp_path, data, nano_folder, resume=str(tmp_path / "last.ckpt"))


def test_the_end_of_training_is_kept_whatever_the_interval(tmp_path, data, nano_folder):
    task = fit(tmp_path, data, nano_folder, steps=3, every=2)
    assert torch.load(tmp_path / "last.ckpt", weights_only=False)["global_step"] == 3
    model = AutoModelForMultimodalLM.from_pretrained(tmp_path / "last")
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight, task.policy.base.get_parameter(name), atol=0, rtol=0)


def test_a_kill_between_two_renames_loses_nothing(tmp_path, data, nano_folder):
    fit(tmp_path, data, nano_folder, steps=1)
    (tmp_path / "last").rename(tmp_path / ".last.old")
    fit(tmp_path, data, nano_folder, steps=1, resume=str(tmp_path / "last.ckpt"))
    AutoModelForMultimodalLM.from_pretrained(tmp_path / "last")
    assert not (tmp_path / ".last.old").exists()


def test_a_run_does_not_replace_its_own_start_or_a_folder_of_others(tmp_path, data, nano_folder):
    fit(tmp_path / "sft", data, nano_folder, steps=1)
    with pytest.raises(ConfigError, match=r"starts from .*last'.*default_root_dir"):
        fit(tmp_path / "sft", data, tmp_path / "sft" / "last", steps=1)
    mine = tmp_path / "other" / "best" / "songs.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(ConfigError, match="holds something else than a checkpoint"):
        fit(tmp_path / "other", data, nano_folder, steps=1)
    assert mine.read_text() == "mine"


def test_a_rehearsal_leaves_an_earlier_run_alone(tmp_path, data, nano_folder):
    fit(tmp_path, data, nano_folder, more=[FitReport()])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {tmp_path / "last.ckpt", tmp_path / "fit.json"} <= set(before)
    fit(tmp_path, data, nano_folder, more=[FitReport()], dry=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_two_checkpoints_of_one_name_are_refused(tmp_path, data, nano_folder):
    with pytest.raises(ConfigError, match="Two AdapterCheckpoints write 'best'"):
        fit(tmp_path, data, nano_folder, more=[AdapterCheckpoint(filename="best")])


def test_an_adapter_opens_from_any_folder(tmp_path, data, nano_folder, monkeypatch):
    monkeypatch.chdir(nano_folder.parent)
    relative = nano_folder.relative_to(nano_folder.parent)
    fit(tmp_path, data, relative, steps=1, lora=Lora(rank=2))
    monkeypatch.chdir(tmp_path)
    policy = Nano(str(tmp_path / "last"))
    policy.build(reference=True, seed=0)
    assert policy.base.config.text_config.hidden_size == 16


def test_the_validation_before_training_may_be_the_best(tmp_path, data, nano_folder):
    before = Nano(str(nano_folder))
    before.build(reference=False, seed=0)
    fit(tmp_path, data, nano_folder, steps=12, every=20, more=[ValidateStart()], lr=0.0)
    kept = torch.load(tmp_path / "best.ckpt", weights_only=False)
    assert kept["global_step"] == 0
    model = AutoModelForMultimodalLM.from_pretrained(tmp_path / "best")
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight, before.base.get_parameter(name), atol=0, rtol=0)


def test_a_folder_says_what_chose_its_weights(tmp_path, data, nano_folder):
    class Said(Callback):
        seen: ClassVar = {}

        def on_validation_end(self, trainer, pl_module):
            self.seen[trainer.global_step] = float(trainer.callback_metrics["val/tones/UA"])

    fit(tmp_path, data, nano_folder, steps=12, more=[Said()])
    best, last = selection_of(tmp_path / "best"), selection_of(tmp_path / "last")
    assert (best["monitor"], best["mode"]) == ("val/tones/UA", "max")
    assert best["score"] == pytest.approx(Said.seen[best["step"]])
    assert best["score"] == max(Said.seen.values())
    assert last == {"monitor": None, "mode": None, "score": None, "step": 12}
    assert selection_of(tmp_path / "best.ckpt") == best
    assert selection_of(nano_folder) is None


def test_a_test_is_of_the_checkpoint_that_was_given(tmp_path, data, nano_folder):
    fit(tmp_path, data, nano_folder, steps=1)
    told = SimpleNamespace(policy=SimpleNamespace(checkpoint=str(tmp_path / "last")))
    fresh = SimpleNamespace(ckpt_path=None, global_step=0)
    assert checkpoint_of(fresh, told)["selection"]["step"] == 1
    resumed = SimpleNamespace(ckpt_path=str(tmp_path / "best.ckpt"), global_step=5)
    assert checkpoint_of(resumed, told) == {
        "path": str(tmp_path / "best.ckpt"),
        "selection": selection_of(tmp_path / "best"),
    }
    assert checkpoint_of(SimpleNamespace(ckpt_path=None, global_step=5), told) is None
    assert checkpoint_of(fresh, SimpleNamespace()) is None


@pytest.mark.filterwarnings("ignore:You're using the WeightAveraging callback")
def test_averaged_weights_beside_the_policy_are_refused(tmp_path, data, nano_folder):
    with pytest.raises(ConfigError, match=r"EMAWeightAveraging keeps averaged .* leave it out"):
        fit(tmp_path, data, nano_folder, more=[EMAWeightAveraging(decay=0.9)])


def test_what_is_written_beside_the_training_takes_its_place_once_it_is_whole():
    """The next save, and the end, wait for it."""
    seen, callback = [], AdapterCheckpoint(asynchronous=True)
    callback.settle()  # nothing is written
    callback._written = written = Future()
    callback._put = lambda: seen.append("put")
    threading.Timer(0.2, lambda: (seen.append("whole"), written.set_result(0))).start()
    callback.settle()
    assert seen == ["whole", "put"]
    callback.settle()
    assert seen == ["whole", "put"]


def test_what_could_not_be_written_takes_no_place():
    callback = AdapterCheckpoint(asynchronous=True)
    callback._written, callback._put = Future(), lambda: pytest.fail("it is not whole")
    callback._written.set_exception(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        callback.settle()


@pytest.mark.parametrize("fault", [None, OSError("disk full"), CheckpointException("rank 1", {})])
def test_a_run_that_fails_waits_for_what_is_being_written_and_keeps_it_if_it_is_whole(fault):
    """A fault of writing does not stand in for what has ended the run."""
    seen, callback = [], AdapterCheckpoint(asynchronous=True)
    callback.on_exception(SimpleNamespace(), None, ValueError())  # nothing is written
    callback._written, callback._put = Future(), lambda: seen.append("put")
    end = callback._written.set_result if fault is None else callback._written.set_exception
    threading.Timer(0.1, lambda: (seen.append("over"), end(fault))).start()
    callback.on_exception(SimpleNamespace(), None, ValueError())
    assert seen == (["over", "put"] if fault is None else ["over"])


def test_two_may_differ_by_their_file_names_alone(tmp_path, data, nano_folder):
    both = [AdapterCheckpoint(name, every_n_train_steps=1) for name in ("one", "other")]
    fit(tmp_path, data, nano_folder, steps=1, more=both)
    assert all((tmp_path / f"{name}.ckpt").is_file() for name in ("one", "other"))


def test_without_parts_nothing_is_written_beside_the_training(tmp_path, data, nano_folder):
    with pytest.raises(ConfigError, match="writes no checkpoints in parts"):
        fit(tmp_path, data, nano_folder, more=[AdapterCheckpoint("often", asynchronous=True)])


def test_where_no_last_checkpoint_lies_it_says_what_lies_there(tmp_path, data, nano_folder):
    tmp_path.joinpath("best.ckpt").touch()
    with pytest.raises(ConfigError, match=rf"last.ckpt in {tmp_path}, .* there: best.ckpt"):
        fit(tmp_path, data, nano_folder, resume="last")
    fit(tmp_path / "run", data, nano_folder, steps=1)
    fit(tmp_path / "run", data, nano_folder, steps=2, resume="last")

"""Two ranks write checkpoints in parts while they train, on a disk that is slower than they are."""

from pathlib import Path

import pytest
import torch
from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

from tests.fakes.tones import write_experiment
from tests.forked import Ranks, status

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:torch.distributed is disabled"),
]

LAST = "    - {class_path: AdapterCheckpoint, init_args: {filename: last}}\n"
BESIDE = """    - class_path: AdapterCheckpoint
      init_args: {filename: last, every_n_train_steps: 1, asynchronous: true}
    - class_path: AdapterCheckpoint
      init_args: {filename: often, every_n_train_steps: 2, asynchronous: true}
    - {class_path: tests.fakes.slow_disk.SlowDisk, init_args: {target: TARGET, fail: FAIL}}
"""
TWO = """devices: 2
  strategy: {class_path: ModelParallelStrategy, init_args: {save_distributed_checkpoint: true}}
"""


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, nano_folder):
    """Four steps, under an optimizer that has a state."""
    config = write_experiment(tmp_path_factory.mktemp("beside"), nano_folder, speakers=6)
    text = config.read_text().replace("devices: 1\n", TWO).replace("batch_size: 8", "batch_size: 4")
    text = text.replace("optim.SGD, init_args: {lr: 0.1}", "optim.AdamW, init_args: {lr: 1.0e-3}")
    assert LAST in text and "AdamW" in text and "devices: 2" in text
    return text


def run_ranks(folder, name, config, expected, *more):
    """Run a config on two ranks, which end with a status."""
    path = folder / f"{name}.yaml"
    path.write_text(config)
    words = ["fit", "--config", path, "--trainer.default_root_dir", folder / "run", *more]
    run = Ranks(folder / f"said by {name}", *words)
    assert [status(rank) for rank in run.ranks] == [expected] * 2, run.said(0)[-3000:]


def test_what_two_ranks_write_beside_the_training_is_what_they_would_have_waited_for(
    experiment, tmp_path
):
    """Two saves begin after one step, and the next one while they are written.

    The run first ends with an error, at once after a save, then as it should; both times it keeps
    that save.
    """
    waiting = tmp_path / "waits"
    waiting.mkdir()
    run_ranks(waiting, "waits", experiment, 0)
    for name, fail, expected in (("fails", 3, 1), ("ends", 0, 0)):
        more = BESIDE.replace("TARGET", str(tmp_path / name)).replace("FAIL", str(fail))
        resumed = [] if fail else ["--ckpt_path", "last"]
        run_ranks(tmp_path, name, experiment.replace(LAST, more), expected, *resumed)
        if fail:
            assert parts_of(tmp_path / "run" / "last.ckpt")["steps"] == 3
            assert parts_of(tmp_path / "run" / "often.ckpt")["steps"] == 2
    wanted = parts_of(waiting / "run" / "last.ckpt")
    assert wanted["steps"] == 4
    for name in ("last", "often"):
        found = parts_of(tmp_path / "run" / f"{name}.ckpt")
        for part in ("steps", "weights", "moments"):
            torch.testing.assert_close(found[part], wanted[part], atol=0, rtol=0)
    for name, saves in (("fails", 4), ("ends", 2)):  # `last` each time, `often` each second time
        assert sorted(Path(tmp_path / name).read_text().split()) == ["0"] * saves + ["1"] * saves


def parts_of(folder):
    """Return the steps, weights and moments of a checkpoint to which both ranks have written."""
    assert {path.name for path in folder.iterdir()} >= {"__0_0.distcp", "__1_0.distcp"}
    dcp_to_torch_save(folder, folder.with_suffix(".pt"))
    whole = torch.load(folder.with_suffix(".pt"), weights_only=True)
    steps = torch.load(folder / "meta.pt", weights_only=True)["global_step"]
    return {
        "steps": torch.tensor(steps),
        "weights": whole["state_dict"],
        "moments": whole["optimizer_0"]["state"],
    }

"""A run that is killed anywhere ends, resumed, with the weights and the best of one that was not.

Kills fall on random calls of the functions below, so that each part of a run is hit.
"""

import json
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.fakes.tones import write_tones
from tests.forked import start, status

pytestmark = pytest.mark.faults

CONFIG = """
seed_everything: 3
trainer:
  accelerator: cpu
  devices: 1
  max_epochs: 2
  accumulate_grad_batches: 2
  val_check_interval: 5
  num_sanity_val_steps: 0
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - ValidateStart
    - {class_path: AdapterCheckpoint, init_args: {filename: last, every_n_train_steps: 2}}
    - {class_path: AdapterCheckpoint, init_args: {filename: best, monitor: val/tones/UA}}
    - FitReport
    - RecallTable
    - {class_path: SyncReference, init_args: {every_n_steps: 3, alpha: 0.5}}
    - {class_path: RolloutJournal, init_args: {every_n_steps: 1}}
prompt: Direct
data:
  class_path: Mixture
  init_args:
    root: ROOT
    corpora:
      - {class_path: Manifest, init_args: {path: tones.csv}}
      - {class_path: Manifest, init_args: {path: more.csv}}
    weights: [2, 1]
    loading: {batch_size: 4, balance: 0.5}
model:
  class_path: BufferedReinforcementFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: NANO}}
    objective:
      class_path: GRPO
      init_args: {kl: {class_path: emolit.rl.kl.AdaptiveKL, init_args: {target: 0.001}}}
    rewards:
      - Correct
      - {class_path: WellFormed, init_args: {weight: {class_path: CosineFade, init_args: {start: 1.0, end: 0.1}}}}
    demonstrations: {class_path: CHORD, init_args: {share: {class_path: LinearFade, init_args: {start: 0.5, end: 0.1}}}}
    evaluator: {class_path: Categorical}
    group_size: 4
    epochs: 2
    minibatches: 2
    sampling: {max_tokens: 4}
    optimizer: {class_path: torch.optim.AdamW, init_args: {lr: 1.0e-2}}
    scheduler: {class_path: torch.optim.lr_scheduler.LinearLR, init_args: {total_iters: 10}}
"""  # noqa: E501  # one node a line
"""Four updates a rollout, two of them a step; validations and checkpoints in between."""

BUFFERED = "emolit.tasks.rl_buffered.BufferedReinforcementFinetuning"
CHECKPOINT = "emolit.callbacks.adapter_checkpoint"
PLACES = {
    "while a rollout is sampled": "emolit.engine.sampling.generate.sample_token",
    "inside an accumulation window": "emolit.tasks.resumable.ResumableTask.backward",
    "between two updates of a rollout": f"{BUFFERED}._close",
    "around an optimizer step": "torch.optim.AdamW.step",
    "in a validation": "emolit.tasks.generative.EvaluatedModule.validation_step",
    "after a validation": "emolit.tasks.resumable.ResumableTask.on_validation_epoch_end",
    "before a checkpoint's file": "torch.save",
    "before a checkpoint's folder": f"{CHECKPOINT}._replace_folder",
    "in the middle of a folder": f"{CHECKPOINT}.apply_umask",
    "between two renames": f"{CHECKPOINT}.replace_path",
    "while the reference moves": "emolit.policies.referenced.ReferencedPolicy.sync_reference",
}
KILLS = 20
MOMENTS = [[*PLACES][kill % len(PLACES)] for kill in range(KILLS)]


def run(config: Path, root: Path, *words: str, log: Path | None = None) -> int:
    """Run ``fit`` in a process of its own; return its status."""
    log = log or root / "log.txt"
    log.unlink(missing_ok=True)
    given = ["fit", "--config", config, "--trainer.default_root_dir", root, *words]
    return status(start(given, log))


def watched(root: Path, **settings: object) -> list[str]:
    """Return the options that count calls, and kill at one."""
    given = {"target": root / "counts.json", **settings}
    words = ["--trainer.callbacks+", "tests.fakes.killer.KillerAt"]
    words += ["--trainer.callbacks.init_args.places", json.dumps([*PLACES.values()])]
    for name, value in given.items():
        words += [f"--trainer.callbacks.init_args.{name}", str(value)]
    return words


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, nano_folder):
    """The config, the run that was not killed, and how often it came to each place."""
    folder = tmp_path_factory.mktemp("faults")
    write_tones(folder / "data", speakers=3)
    table = write_tones(folder / "data" / "more", speakers=3, seed=1).read_text()
    (folder / "data" / "more.csv").write_text(table.replace("wav/", "more/wav/"))
    config = folder / "run.yaml"
    config.write_text(
        CONFIG.replace("ROOT", str(folder / "data")).replace("NANO", str(nano_folder))
    )
    whole = folder / "whole"
    assert run(config, whole, *watched(whole)) == 0, (whole / "log.txt").read_text()[-2000:]
    counts = json.loads((whole / "counts.json").read_text())
    assert all(counts.values())
    return config, whole, counts


@pytest.mark.parametrize("kill", range(KILLS), ids=lambda kill: f"{kill}: {MOMENTS[kill]}")
def test_killed_and_resumed_equals_uninterrupted(uninterrupted, tmp_path, kill):
    config, whole, counts = uninterrupted
    dice, place = random.Random(kill), PLACES[MOMENTS[kill]]
    call, after = dice.randint(1, counts[place]), bool(dice.getrandbits(1))
    mine = tmp_path / "run"
    death = {"place": place, "call": call, "after": after}
    assert run(config, mine, *watched(mine, **death)) == -signal.SIGKILL
    go_on = ["--ckpt_path", "last"] if (mine / "last.ckpt").exists() else ["--overwrite", "true"]
    assert run(config, mine, *go_on) == 0, (mine / "log.txt").read_text()[-2000:]
    differing = [name for name, found in results(mine).items() if found != results(whole)[name]]
    assert not differing, f"killed {'after' if after else 'before'} call {call} of {place}"


@pytest.fixture
def disk(tmp_path):
    """A disk of 4 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs leave to mount a small disk, as root has")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Leave so many bytes of a disk; return the file that takes the others."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - left))
    return ballast


@pytest.mark.parametrize("left", [0, 250, 600, 950, 1300])
def test_a_disk_that_fills_ends_the_run_and_the_resumed_one_is_exact(
    uninterrupted, disk, tmp_path, left
):
    config, whole, _ = uninterrupted
    ballast, mine, log = fill(disk, left << 10), disk / "run", tmp_path / "log.txt"
    assert run(config, mine, log=log) == 1
    assert "cannot be written: No space left on device." in log.read_text()
    ballast.unlink()
    go_on = ["--ckpt_path", "last"] if (mine / "last.ckpt").exists() else ["--overwrite", "true"]
    assert run(config, mine, *go_on, log=log) == 0, log.read_text()[-2000:]
    expected = results(whole)
    assert [name for name, found in results(mine).items() if found != expected[name]] == []


def test_a_store_on_a_full_disk_ends_the_run(uninterrupted, disk, tmp_path):
    config, _, _ = uninterrupted
    fill(disk, 0)
    store = ["--model.init_args.policy.init_args.store", str(disk / "store")]
    assert run(config, tmp_path / "run", *store, log=tmp_path / "log.txt") == 1
    assert "cannot be written: No space left on device." in (tmp_path / "log.txt").read_text()


def results(root: Path) -> dict[str, object]:
    """Return what two runs must have alike: weights, optimizer, the best and its score, recalls."""
    found: dict[str, object] = {}
    for name in ("last", "best"):
        weights = load_file(root / name / "model.safetensors")
        found |= {f"{name}/{key}": weight.numpy().tobytes() for key, weight in weights.items()}
        found[f"{name}/selection"] = (root / name / "selection.json").read_text()
    state = torch.load(root / "last.ckpt", weights_only=True)
    moments = state["optimizer_states"][0]["state"]
    found |= {
        f"optimizer/{number}/{key}": value.numpy().tobytes()
        for number, each in moments.items()
        for key, value in each.items()
    }
    found["rollouts"] = (root / "rollouts.jsonl").read_text()
    found["recall"] = (root / "fit" / "recall.csv").read_text()
    report = json.loads((root / "fit.json").read_text())
    found["report"] = {name: report[name] for name in report if name != "seconds"}
    return found

"""Every example of docs/extending.md is run as it stands: a file, a YAML line, `emolit fit`."""

import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.command import emolit
from tests.fakes.tones import write_tones

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", flags=re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "docs" / "extending.md").read_text(encoding="utf-8"))
OVERLAYS = [name for name, _ in BLOCKS if name.endswith(".yaml")]
BASE = """
trainer:
  max_steps: 2
  log_every_n_steps: 1
  limit_val_batches: 1
  enable_progress_bar: false
  callbacks: [ValidateStart, {class_path: AdapterCheckpoint, init_args: {monitor: null}}]
data: {class_path: Manifest, init_args: {path: tones.csv, root: DATA, loading: {batch_size: 4}}}
model:
  init_args:
    group_size: 4
    policy:
      class_path: Nano
      init_args:
        checkpoint: null
        folder: NANO
        size: {seconds: 1, mels: 20, tower_width: 16, tower_layers: 1, width: 16, layers: 1}
"""
"""Over the demo: a few tones in place of its corpus, a smaller model, two steps, no best score."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folder with the files of the examples, importable from, and with something to hear."""
    folder = tmp_path_factory.mktemp("extending")
    for name, text in BLOCKS:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    write_tones(folder / "data")
    write_studio(folder / "data" / "studio")
    base = BASE.replace("DATA", str(folder / "data")).replace("NANO", str(folder / "nano"))
    (folder / "base.yaml").write_text(base)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def write_studio(folder):
    folder.mkdir()
    for speaker in "abcde":
        for number, (label, pitch) in enumerate((("happy", 900), ("sad", 300)) * 2):
            wave = 0.3 * np.sin(2 * np.pi * pitch * np.arange(8000) / 16_000)
            soundfile.write(folder / f"{speaker}_{label}_{number}.wav", wave, 16_000)


def fit(folder, overlay):
    """Run the demo with an overlay; return its curves and the config that it wrote."""
    run = folder / Path(overlay).stem
    configs = [ROOT / "configs" / "experiments" / "demo" / "grpo.yaml", "base.yaml", overlay]
    arguments = [part for config in configs for part in ("--config", folder / config)]
    emolit("fit", *arguments, "--trainer.default_root_dir", run)
    version = run / "fit"
    config = yaml.safe_load((version / "config.yaml").read_text())
    return EventAccumulator(str(version)).Reload(), config


def test_every_example_has_its_file_and_its_line():
    files = [Path(name).stem for name, _ in BLOCKS if name.endswith(".py")]
    assert files == [Path(name).stem for name in OVERLAYS]
    assert len(files) == 7
    for name, text in BLOCKS:
        assert text.strip().count("\n") == 0 or name.endswith(".py"), f"{name} is one line"


CURVES = {
    "brevity.yaml": ("reward/brevity", "reward/correct"),
    "signed.yaml": ("train/reward",),
    "reinforce.yaml": ("train/likelihood", "train/loss"),
    "timed.yaml": ("train/rollout_gap",),
    "worst_recall.yaml": ("val/tones/WorstRecall", "val/tones/UA"),
    "studio.yaml": ("val/studio/UA",),
    "one_word.yaml": ("train/parse_rate",),
}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_example_runs(folder, overlay):
    board, config = fit(folder, overlay)
    assert f"mine.{Path(overlay).stem}." in yaml.safe_dump(config)
    for curve in CURVES[overlay]:
        assert np.isfinite([score.value for score in board.Scalars(curve)]).all()


def test_what_the_examples_compute(folder):
    brevity, signed, worst = (
        import_module(f"mine.{name}") for name in ("brevity", "signed", "worst_recall")
    )
    assert brevity.Brevity(limit=10).score(None, "12345", None) == 0.5
    rewards = torch.tensor([[1.0, 9.0, 1.0, float("nan")], [2.0, 2.0, 2.0, 2.0]])
    assert signed.signed(rewards).tolist() == [[-1.0, 1.0, -1.0, 0.0], [0.0] * 4]
    metric = worst.WorstRecall(3)
    metric.update(torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 1]))
    assert metric.compute().item() == pytest.approx(1 / 3)

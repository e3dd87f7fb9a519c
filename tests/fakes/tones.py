"""A corpus that only listening solves: a low or a high tone, at random loudness and length."""

import csv
from pathlib import Path

import numpy as np
import soundfile

LABELS = ("happy", "sad")
PITCHES = {"happy": 1500.0, "sad": 300.0}

EXPERIMENT = """
seed_everything: 3
trainer:
  accelerator: cpu
  devices: 1
  max_epochs: 1
  num_sanity_val_steps: 0
  log_every_n_steps: 1
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - {class_path: AdapterCheckpoint, init_args: {filename: last}}
    - {class_path: RolloutJournal, init_args: {every_n_steps: 1, clips: 8}}
    - {class_path: RewardWatch, init_args: {monitor: val/tones/UA, window: 1}}
prompt: Direct
data:
  class_path: Manifest
  init_args: {path: tones.csv, root: ROOT, loading: {batch_size: 8}}
model:
  class_path: ReinforcementFinetuning
  init_args:
    policy: {class_path: Nano, init_args: {checkpoint: NANO}}
    objective: {class_path: GRPO, init_args: {kl: 0.04}}
    rewards: [Correct, WellFormed, tests.fakes.sounds.Sounds]
    evaluator: {class_path: Categorical}
    group_size: 4
    sampling: {max_tokens: 6}
    optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.1}}
"""
"""A short GRPO run of a tiny model on tones."""


def write_tones(root: Path, speakers: int = 8, clips: int = 8, seed: int = 0) -> Path:
    """Write wav files and ``tones.csv`` below ``root``; the last two speakers are val and test."""
    random = np.random.RandomState(seed)
    (root / "wav").mkdir(parents=True)
    rows = []
    for speaker in range(speakers):
        split = {speakers - 2: "val", speakers - 1: "test"}.get(speaker, "train")
        for index in range(clips):
            label = LABELS[index % 2]
            time = np.arange(int(16_000 * random.uniform(0.3, 0.6))) / 16_000
            pitch = PITCHES[label] * random.uniform(0.9, 1.1)
            wave = random.uniform(0.1, 0.5) * np.sin(2 * np.pi * pitch * time)
            path = f"wav/s{speaker}-{index}.wav"
            soundfile.write(root / path, wave + 0.01 * random.randn(len(time)), 16_000)
            rows.append({"path": path, "label": label, "speaker": f"s{speaker}", "split": split})
    with (root / "tones.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root / "tones.csv"


def write_experiment(folder: Path, model: Path, speakers: int) -> Path:
    """Write tones and a config that trains a tiny model on them by GRPO; return the config."""
    write_tones(folder / "data", speakers)
    config = EXPERIMENT.replace("ROOT", str(folder / "data")).replace("NANO", str(model))
    (folder / "grpo.yaml").write_text(config)
    return folder / "grpo.yaml"

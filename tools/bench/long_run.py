"""Trains a tiny model for 2,000 steps and measures what must not grow.

    python -m tools.bench.long_run
    python -m tools.bench.long_run --steps 400 --root runs/bench/long

The run has what real ones have: a journal of rollouts, histograms, pictures, two checkpoints, a
validation every hundred steps. Every hundred steps it notes memory (resident), open file handles,
threads, the bytes of TensorBoard's file, and the CPU time of these steps, which other work on the
machine does not change as it does the time on the clock. The learning rate is 0, so that all steps
are the same work. Prints a table and writes ``runs/bench/long_run.json``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from lightning.pytorch import Callback, LightningModule, Trainer

from tools.bench.memory import memory_mib

TARGET = Path("runs/bench/long_run.json")
EVERY = 100
SETTLED = 200
"""Steps after which memory counts."""
CONFIG = """
seed_everything: 0
trainer:
  accelerator: cpu
  devices: 1
  max_epochs: -1
  max_steps: {steps}
  num_sanity_val_steps: 0
  val_check_interval: 100
  check_val_every_n_epoch: null
  log_every_n_steps: 10
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - ValidateStart
    - {{class_path: AdapterCheckpoint, init_args: {{filename: last, every_n_train_steps: 100}}}}
    - {{class_path: AdapterCheckpoint, init_args: {{filename: best, monitor: UA}}}}
    - FitReport
    - RecallTable
    - Pictures
    - {{class_path: RolloutJournal, init_args: {{every_n_steps: 10, clips: 2}}}}
    - {{class_path: RewardHistograms, init_args: {{every_n_steps: 10}}}}
    - {{class_path: tools.bench.long_run.Probe, init_args: {{target: {target}}}}}
prompt: Direct
data: {{class_path: Manifest, init_args: {{path: tones.csv, root: {data}, loading: {{batch_size: 4}}}}}}
model:
  class_path: ReinforcementFinetuning
  init_args:
    policy:
      class_path: Nano
      init_args:
        checkpoint: null
        folder: {data}
        size: {{seconds: 1, mels: 20, tower_width: 16, tower_layers: 1, width: 16, layers: 2, heads: 2}}
    objective: {{class_path: GRPO, init_args: {{kl: 0.01}}}}
    rewards: [Correct, WellFormed, {{class_path: Length, init_args: {{free: 1, fade: 6}}}}]
    evaluator: {{class_path: Categorical}}
    group_size: 4
    sampling: {{max_tokens: 6}}
    optimizer: {{class_path: torch.optim.AdamW, init_args: {{lr: 0.0, weight_decay: 0.0}}}}
"""  # noqa: E501  # one node a line


class Probe(Callback):
    """Notes every hundred steps what the process holds.

    Args:
        target: A JSONL file, one line a hundred steps.
    """

    def __init__(self, target: str) -> None:
        self.target = Path(target)
        self.cpu = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.cpu = time.process_time()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write a line if it is time."""
        if trainer.global_step % EVERY:
            return
        now = time.process_time()
        board = Path(trainer.default_root_dir) / "fit"
        row = {
            "step": trainer.global_step,
            "memory_mib": memory_mib("VmRSS"),
            "handles": len([*Path("/proc/self/fd").iterdir()]),
            "threads": threading.active_count(),
            "board_mib": sum(f.stat().st_size for f in board.glob("events.*")) / 2**20,
            "cpu_s": now - self.cpu,
        }
        self.cpu = now
        with self.target.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def write_tones(root: Path, clips: int = 56) -> None:
    """Write short tones of two pitches, and their table; the last 8 are for validation."""
    rows = ["path,label,speaker,split"]
    for index in range(clips):
        label, pitch = (("happy", 1500.0), ("sad", 300.0))[index % 2]
        wave = 0.3 * np.sin(2 * np.pi * pitch * np.arange(6_400 + 50 * index) / 16_000)
        soundfile.write(root / f"{index}.wav", wave, 16_000)
        split = "val" if index >= clips - 8 else "train"
        rows.append(f"{index}.wav,{label},s{index // 8},{split}")
    (root / "tones.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def summarize(rows: list[dict[str, float]]) -> dict[str, float]:
    """Return what has grown, and how long steps take at the end beside the first hundred.

    Args:
        rows: One a hundred steps, at least one beyond ``SETTLED``.
    """
    settled = next(row for row in rows if row["step"] >= SETTLED)
    last, sizes = rows[-1], [row["board_mib"] for row in rows]
    added = [after - before for before, after in pairwise(sizes)]
    speed = rows[0]["cpu_s"] / (sum(row["cpu_s"] for row in rows[1:]) / len(rows[1:]))
    return {
        "memory_growth": last["memory_mib"] / settled["memory_mib"] - 1,
        "handles_growth": last["handles"] - settled["handles"],
        "threads_growth": last["threads"] - settled["threads"],
        "board_mib_per_hundred_first": added[0],
        "board_mib_per_hundred_last": added[-1],
        "throughput_beside_first_hundred": speed,
    }


def main(arguments: list[str] | None = None) -> int:
    """Train, print the rows and what has grown, and write both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--root", type=Path, help="folder of the run; None is one that is removed")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        data, noted = Path(scratch), Path(scratch) / "probe.jsonl"
        write_tones(data)
        config = data / "long.yaml"
        config.write_text(CONFIG.format(steps=given.steps, target=noted, data=data))
        words = ["fit", "--config", str(config), "--trainer.default_root_dir"]
        words += [str(given.root or data / "run")]
        ended = subprocess.run([sys.executable, "-m", "emolit", *words], check=False)
        if ended.returncode:
            return ended.returncode
        rows = [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]
    found = summarize(rows)
    print(" ".join(f"{name:>11}" for name in rows[0]))
    for row in rows:
        print(" ".join(f"{value:11.5g}" for value in row.values()))
    for name, value in found.items():
        print(f"{name}: {value:.4g}")
    given.target.parent.mkdir(parents=True, exist_ok=True)
    given.target.write_text(json.dumps({"rows": rows, **found}, indent=2), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

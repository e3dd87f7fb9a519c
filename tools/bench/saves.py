"""Measures what a save costs a run whose weights are sharded: time that training waits, and memory.

    python -m tools.bench.saves
    python -m tools.bench.saves --forms parts --processes 1 2 --rounds 5 --width 1024 --layers 4

Trains a model of random weights by FSDP2 over gloo, on the CPU. A round is a few steps behind each
kind of save, and behind none, so that what else the machine does falls on all of them. ``wait`` is
how long training stands still. ``cost`` is what a save adds to the time until its steps are done
and it is whole: what is written beside the training takes its turns on the same cores. ``memory``
is how far a process rises above what it holds between two steps until training goes on; glibc gives
larger blocks back at once, so that none hides in what was freed before. Prints medians with the
least and the most, and writes ``runs/bench/saves.json``. The disk is that of ``TMPDIR``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from emolit.callbacks.adapter_checkpoint import AdapterCheckpoint
from emolit.policies.nano import NanoSize, write_nano
from emolit.reporting.tables import ScoreTable
from tools.bench.long_run import write_tones
from tools.bench.memory import memory_mib, reset_peak

TARGET = Path("runs/bench/saves.json")
FORMS: dict[str, tuple[list[str], bool, str]] = {
    "parts": (["none", "waits", "beside"], True, "null"),
    "whole": (["none", "waits"], False, "null"),
    "adapters": (["none", "waits"], False, "{rank: 16}"),
}
"""The kinds of saves of a form of checkpoints, whether it is in parts, and what trains."""
CONFIG = """
seed_everything: 0
trainer:
  accelerator: cpu
  devices: {processes}
  strategy: {{class_path: ModelParallelStrategy, init_args: {{save_distributed_checkpoint: {parts}}}}}
  max_epochs: -1
  max_steps: {steps}
  num_sanity_val_steps: 0
  limit_val_batches: 0
  enable_progress_bar: false
  enable_model_summary: false
  callbacks:
    - {{class_path: tools.bench.saves.Rounds, init_args: {{rows: {data}/rows, kinds: {kinds}, steps: {each}}}}}
prompt: Direct
data: {{class_path: Manifest, init_args: {{path: tones.csv, root: {data}, loading: {{batch_size: 4}}}}}}
model:
  class_path: SupervisedFinetuning
  init_args:
    policy: {{class_path: Nano, init_args: {{checkpoint: {nano}, lora: {lora}}}}}
    evaluator: {{class_path: Categorical}}
    optimizer: {{class_path: torch.optim.AdamW, init_args: {{lr: 1.0e-5}}}}
"""  # noqa: E501  # one node a line


class Rounds(AdapterCheckpoint):
    """Saves every few steps, in turn by each kind, and notes what it took.

    Args:
        rows: A JSONL file; the number of the process is added to its name.
        kinds: ``none``, ``waits``, ``beside``.
        steps: Steps behind each.
    """

    def __init__(self, rows: str, kinds: list[str], steps: int) -> None:
        super().__init__(filename="save")
        self.rows = rows
        self.kinds = kinds
        self.steps = steps
        self.row: dict[str, Any] = {}
        self.start = 0.0

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """End a turn, note it, and begin the next one."""
        if trainer.global_step % self.steps:
            return
        self.settle()
        trainer.strategy.barrier()
        if self.row:
            self.row["turn_s"] = time.perf_counter() - self.start
            with Path(f"{self.rows}.{trainer.global_rank}").open("a", encoding="utf-8") as file:
                file.write(json.dumps(self.row) + "\n")
        if trainer.global_step == trainer.max_steps:
            return
        kind = self.kinds[trainer.global_step // self.steps % len(self.kinds)]
        self.asynchronous = kind == "beside"
        reset_peak()
        before, self.start = memory_mib("VmRSS"), time.perf_counter()
        if kind != "none":
            self.write(trainer, str(Path(trainer.default_root_dir) / "save.ckpt"))
        waited = time.perf_counter() - self.start
        added = memory_mib("VmHWM") - before
        self.row = {"kind": kind, "wait_s": waited, "memory_mib": added}

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save nothing more."""
        self.settle()


def main(arguments: list[str] | None = None) -> int:
    """Measure each form of checkpoints and number of processes, print, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--forms", nargs="+", choices=list(FORMS), default=list(FORMS))
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="behind each save")
    parser.add_argument("--width", type=int, default=1024, help="of the language model")
    parser.add_argument("--layers", type=int, default=4, help="of the language model")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        write_tones(Path(scratch))
        size = NanoSize(seconds=1, tower_layers=1, width=given.width, layers=given.layers)
        nano = write_nano(Path(scratch), size, seed=0)
        weights = sum(file.stat().st_size for file in nano.glob("*.safetensors")) / 1e6
        for form in given.forms:
            for processes in given.processes:
                rows = train(Path(scratch), nano, form, processes, given.rounds, given.steps)
                found += summarize(form, processes, rows)
    columns = ("form", "processes", "kind", "wait s", "cost s", "wait, of `waits`", "memory MiB")
    lines = tuple(tuple(map(shown, row.values())) for row in found)
    ScoreTable(f"a save of {weights:.0f} MB of weights", columns, lines).show()
    given.target.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": len(os.sched_getaffinity(0)), "date": time.strftime("%F")}
    record = {**machine, "weights_mb": weights, "rounds": given.rounds, "rows": found}
    given.target.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


def train(
    folder: Path, nano: Path, form: str, processes: int, rounds: int, steps: int
) -> list[list[dict[str, Any]]]:
    """Train and save in turn; return the rows of each process."""
    kinds, parts, lora = FORMS[form]
    config = folder / "saves.yaml"
    config.write_text(
        CONFIG.format(
            processes=processes,
            parts=json.dumps(parts),
            steps=(rounds * len(kinds) + 1) * steps,
            data=folder,
            kinds=json.dumps(kinds),
            each=steps,
            nano=nano,
            lora=lora,
        )
    )
    with tempfile.TemporaryDirectory(dir=folder) as root:
        words = ["fit", "--config", str(config), "--trainer.default_root_dir", root]
        returning = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}
        ended = subprocess.run([sys.executable, "-m", "emolit", *words], env=returning, check=False)
    if ended.returncode:
        raise SystemExit(f"error: emolit fit failed on {form} with {processes} processes.")
    files = [folder / f"rows.{rank}" for rank in range(processes)]
    rows = [[json.loads(line) for line in file.read_text().splitlines()] for file in files]
    for file in files:
        file.unlink()
    return rows


def summarize(form: str, processes: int, rows: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return for each kind the median, the least and the most of what a save takes.

    Times are those of the first process, and compared within a round; memory is that of each.

    Args:
        form: Of checkpoints.
        processes: How many.
        rows: Of each process, in the order of the turns.
    """
    kinds = [kind for kind in FORMS[form][0] if kind != "none"]
    by_kind = {
        kind: [[row for row in own if row["kind"] == kind] for own in rows]
        for kind in [*kinds, "none"]
    }
    found = []
    for kind in kinds:
        own, first, none = by_kind[kind][0], by_kind[kinds[0]][0], by_kind["none"][0]
        shares = [row["wait_s"] / other["wait_s"] for row, other in zip(own, first, strict=True)]
        costs = [row["turn_s"] - other["turn_s"] for row, other in zip(own, none, strict=True)]
        memory = [spread([row["memory_mib"] for row in each]) for each in by_kind[kind]]
        found.append(
            {
                "form": form,
                "processes": processes,
                "kind": kind,
                "wait_s": spread([row["wait_s"] for row in own]),
                "cost_s": spread(costs),
                "wait_share": spread(shares),
                "memory_mib": [each[0] for each in memory],
            }
        )
    return found


def spread(values: list[float]) -> tuple[float, float, float]:
    """Return the median, the least and the most."""
    return median(values), min(values), max(values)


def shown(value: Any) -> str:
    """Return a cell: a spread as a median with its bounds, memory process by process."""
    if isinstance(value, tuple):
        return f"{value[0]:.2f} ({value[1]:.2f} to {value[2]:.2f})"
    if isinstance(value, list):
        return ", ".join(f"{each:.0f}" for each in value)
    return str(value)


if __name__ == "__main__":
    raise SystemExit(main())

"""Measures the memory of hosts until weights are sharded over two processes.

    python -m tools.bench.start
    python -m tools.bench.start --width 1024 --layers 4 --stored float32

Two processes over gloo load a model of random weights in float32 and shard it by FSDP2, on the CPU:
once the first one alone reads weights, as in training, and once each reads them, as before; with a
frozen reference and without. ``loaded`` is the peak of each process while it loads, ``peak`` that
until it is sharded, ``held`` what it holds of its own then, all above what it held before. On a GPU
the parts would lie there; here the host has them, too. ``RssAnon`` leaves out pages of the
checkpoint's file, which a host can drop. Prints a table and writes ``runs/bench/start.json``.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import distributed, multiprocessing
from torch.distributed.device_mesh import init_device_mesh

from emolit.engine.weights.checkpoint import load_model
from emolit.policies.nano import Nano, NanoSize, write_nano
from emolit.reporting.tables import ScoreTable
from tools.bench.memory import memory_mib, reset_peak

TARGET = Path("runs/bench/start.json")
PROCESSES = 2
MESH = ("data_parallel", "tensor_parallel")


def main(arguments: list[str] | None = None) -> int:
    """Measure each way to start, print, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--width", type=int, default=1024, help="of the language model")
    parser.add_argument("--layers", type=int, default=4, help="of the language model")
    parser.add_argument(
        "--stored",
        choices=("bfloat16", "float32"),
        default="bfloat16",
        help="precision of the checkpoint; weights of float32 stay pages of its file",
    )
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "1000000"  # what is freed goes back at once
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        size = NanoSize(seconds=1, tower_layers=1, width=given.width, layers=given.layers)
        nano = stored_as(write_nano(folder, size, seed=0), given.stored)
        tiny = write_nano(folder, NanoSize(), seed=0)
        for reference in (False, True):
            for alone in (False, True):
                asked = (str(nano), str(tiny), alone, reference, folder)
                multiprocessing.spawn(start, asked, nprocs=PROCESSES)
                found = [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]
                (folder / "meet").unlink(missing_ok=True)
                who = "the first" if alone else "each"
                rows.append({"reads": who, "reference": reference, "processes": found})
    model = rows[0]["processes"][0]["model_mib"]
    names = ("loaded_mib", "loaded_own_mib", "peak_mib", "held_mib")
    lines = []
    for row in rows:
        sums = {name: sum(each[name] for each in row["processes"]) for name in names}
        row |= {"sums": sums}
        cells = (
            f"{', '.join(f'{each[name]:.0f}' for each in row['processes'])} "
            f"({sums[name] / model:.2f})"
            for name in names
        )
        lines.append((row["reads"], "yes" if row["reference"] else "no", *cells))
    title = f"MiB of each process, and the sum in copies of the model, {model:.0f} MiB in float32"
    header = ("reads weights", "reference", "loaded", "RssAnon", "peak", "held")
    ScoreTable(title, header, tuple(lines)).show()
    given.target.parent.mkdir(parents=True, exist_ok=True)
    record = {"date": time.strftime("%F"), "stored": given.stored, "rows": rows}
    given.target.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


def stored_as(nano: Path, dtype: str) -> Path:
    """Write a checkpoint again in another precision; return its folder."""
    folder = nano.with_name(f"{nano.name}-{dtype}")
    shutil.copytree(nano, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    load_model(str(nano), Nano.auto_class, dtype).save_pretrained(folder)
    return folder


def start(
    rank: int, checkpoint: str, tiny: str, alone: bool, reference: bool, folder: Path
) -> None:
    """Load and shard on one of the processes, and write what it took.

    Args:
        rank: Of this process.
        checkpoint: What is loaded.
        tiny: Loaded before, for what has to be imported.
        alone: Whether the first process alone reads weights.
        reference: Whether there is a frozen copy.
        folder: Where processes meet, and where figures go.
    """
    torch.set_num_threads(1)
    meeting = f"file://{folder}/meet"
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=PROCESSES)
    mesh = init_device_mesh("cpu", (1, PROCESSES), mesh_dim_names=MESH)
    load(tiny, alone, reference).shard(mesh)
    distributed.barrier()
    reset_peak()
    before, own = memory_mib("VmRSS"), memory_mib("RssAnon")
    policy = load(checkpoint, alone, reference)
    numbers = sum(weight.numel() for weight in policy.model.parameters())
    found: dict[str, Any] = {"model_mib": 4 * numbers / 2**20}
    found["loaded_mib"] = memory_mib("VmHWM") - before
    found["loaded_own_mib"] = memory_mib("RssAnon") - own
    policy.shard(mesh)
    found["peak_mib"] = memory_mib("VmHWM") - before
    found["held_mib"] = memory_mib("RssAnon") - own
    (folder / f"{rank}.json").write_text(json.dumps(found), encoding="utf-8")
    distributed.destroy_process_group()


def load(checkpoint: str, alone: bool, reference: bool) -> Nano:
    """Return a policy that has its weights, or waits for those of the first process."""
    policy = Nano(checkpoint)
    if alone:
        policy.expect_shards()
    policy.build(reference=reference, seed=0)
    return policy


if __name__ == "__main__":
    raise SystemExit(main())

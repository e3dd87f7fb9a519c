"""Measures in one go, on one GPU, what emolit's pages say of a GPU on paper.

    python -m tools.gpu_check                       # 8 minutes at most; 20 GB of disk, 40 with vLLM
    python -m tools.gpu_check --vllm VENV/bin/vllm  # a vLLM server, too
    python -m tools.gpu_check --tiny                # the same path, tiny, on a CPU

Random weights of the shape of Qwen2-Audio-7B: a step by part with adapters, over bfloat16 and over
four bits; its memory beside `tools.plan`; tokens a second of each rollout engine beside the
bandwidth; how far sampling is from training, and what GSPO would clip of it; FSDP2 on one process;
cuDNN's attention that gives NaN. Prints a table and writes ``runs/gpu_check.json`` with date, card
and versions. What cannot be measured is a row that says why.
"""

import argparse
import json
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from emolit.reporting.tables import ScoreTable
from tools.gpu import card, engines, shards, step
from tools.gpu.rows import Row, guarded
from tools.gpu.setting import SEVEN_B, TINY, Setting

TARGET = Path("runs/gpu_check.json")
MINUTES = 8.0
LIBRARIES = ("emolit", "torch", "transformers", "peft", "bitsandbytes", "vllm", "nvidia-cudnn-cu13")
Part = tuple[str, Callable[[Setting], Iterator[Row]]]
PARTS: tuple[Part, ...] = (
    ("card", card.bandwidth),
    ("attention", card.cudnn),
    ("attention", card.attention),
    ("card", card.weights),
    ("lora", partial(step.measure, form="lora")),
    ("rollout", engines.eager),
    ("fsdp2", shards.measure),
    ("qlora", partial(step.measure, form="qlora")),
    ("rollout", engines.vllm),
    ("rollout", engines.captured),
)
"""Those that ask for the same weights stand together; what has never run comes last."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; 1 if a part was stopped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="tiny shapes, also on a CPU")
    parser.add_argument("--vllm", help="command that starts vLLM; the one on the path if there is")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="no part begins after these")
    parser.add_argument(
        "--folder", type=Path, help="for random weights, which are removed afterwards"
    )
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    cuda = torch.cuda.is_available()
    if not (cuda or given.tiny):
        parser.error("there is no GPU that torch can use; `--tiny` runs the same path on a CPU.")
    shape = TINY if given.tiny else SEVEN_B
    device = torch.device("cuda" if cuda else "cpu")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        vllm = given.vllm or shutil.which("vllm")
        rows = measure(Setting(shape, device, Path(folder), vllm), given.minutes)
    found = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "card": name_of(device)}
    found |= {"versions": versions(), "shape": asdict(shape), "tiny": given.tiny}
    header = ("part", "what", "measured", "beside", "unit", "note")
    title = f"{found['card']}, {found['date']}"
    ScoreTable(title, header, tuple(row.cells() for row in rows)).show()
    given.target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**found, "rows": [asdict(row) for row in rows]}, indent=2)
    given.target.write_text(f"{text}\n", encoding="utf-8")
    return int(any(row.what == "stopped" for row in rows))


def measure(setting: Setting, minutes: float) -> list[Row]:
    """Return the rows of all parts; none begins when the time is over."""
    rows: list[Row] = []
    setting.end = time.monotonic() + 60 * minutes
    for name, part in PARTS:
        if time.monotonic() > setting.end:
            rows.append(Row(name, "left out", None, note=f"{minutes:g} minutes are over"))
            continue
        rows += guarded(name, partial(part, setting))
    setting.drop()
    return rows


def name_of(device: torch.device) -> str:
    """Return what the card is called, or the processor."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"no GPU: {platform.machine()}"


def versions() -> dict[str, str]:
    """Return which libraries are installed, and what torch was built with."""
    found = {"python": platform.python_version(), "cuda": str(torch.version.cuda)}
    found["cudnn"] = str(torch.backends.cudnn.version())
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


if __name__ == "__main__":
    raise SystemExit(main())

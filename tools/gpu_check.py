"""Measures in one go, on one GPU, what emolit's pages say of a GPU on paper.

    python -m tools.gpu_check                       # about 8 minutes; 20 GB of disk, 40 with vLLM
    python -m tools.gpu_check --vllm VENV/bin/vllm  # a vLLM server, too
    python -m tools.gpu_check --tiny                # the same path, tiny, on a CPU

Random weights of the shape of Qwen2-Audio-7B: a step by part with adapters, over bfloat16 and over
four bits; its memory beside `tools.plan`; tokens a second of each rollout engine beside the
bandwidth; how far sampling is from training, and what GSPO would clip of it; FSDP2 on one process;
cuDNN's attention that gives NaN. Prints a table and writes ``runs/gpu_check.json`` with date, card
and versions, after each part anew. What cannot be measured is a row that says why.

A part begins only where as much time is left as the longest part before it took.
"""

import argparse
import json
import os
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

from emolit.files.atomic import write_atomically
from emolit.reporting.tables import ScoreTable
from tools.gpu import card, engines, shards, step
from tools.gpu.rows import Row, guarded
from tools.gpu.setting import SEVEN_B, TINY, Setting

TARGET = Path("runs/gpu_check.json")
MINUTES = 8.0
LIBRARIES = ("emolit", "torch", "transformers", "peft", "bitsandbytes", "vllm", "nvidia-cudnn-cu13")
Part = tuple[str, str, Callable[[Setting], Iterator[Row]]]
PARTS: tuple[Part, ...] = (
    ("card", "bandwidth of a copy", card.bandwidth),
    ("attention", "cuDNN", card.cudnn),
    ("attention", "emolit", card.attention),
    ("card", "random weights", card.weights),
    ("lora", "step", partial(step.measure, form="lora")),
    ("rollout", "Eager", engines.eager),
    ("fsdp2", "step", shards.measure),
    ("qlora", "step", partial(step.measure, form="qlora")),
    ("rollout", "VLLMServer", engines.vllm),
    ("rollout", "Eager, CUDA graph", engines.captured),
)
"""Those that ask for the same weights stand together; what has never run comes last."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; 1 if a part was stopped."""
    given = read(arguments)
    shape = TINY if given.tiny else SEVEN_B
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    date, card_name = datetime.now(UTC).isoformat(timespec="seconds"), name_of(device)
    found = {"date": date, "card": card_name, "versions": versions()}
    found |= {"shape": asdict(shape), "tiny": given.tiny}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        setting = Setting(shape, device, Path(folder), given.vllm)
        for done, part in enumerate(measure(setting, given.minutes), start=1):
            rows += part
            so_far = {"parts": f"{done} of {len(PARTS)}", "rows": [asdict(row) for row in rows]}
            with write_atomically(given.target) as file:
                file.write(json.dumps(found | so_far, indent=2) + "\n")
    header = ("part", "what", "measured", "beside", "unit", "note")
    ScoreTable(f"{card_name}, {date}", header, tuple(row.cells() for row in rows)).show()
    return int(any(row.what == "stopped" for row in rows))


def read(arguments: list[str] | None) -> argparse.Namespace:
    """Return what a command asks for; ends the program with a sentence where it cannot be."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="tiny shapes, also on a CPU")
    parser.add_argument("--vllm", help="command that starts vLLM; the one on the path if there is")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="parts that may take longer are left out"
    )
    parser.add_argument(
        "--folder", type=Path, help="for random weights, which are removed afterwards"
    )
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    if not (torch.cuda.is_available() or given.tiny):
        parser.error("there is no GPU that torch can use; `--tiny` runs the same path on a CPU.")
    if not given.minutes > 0:
        parser.error(f"--minutes is {given.minutes:g}; give more than 0.")
    if given.vllm and shutil.which(given.vllm) is None:
        parser.error(f"--vllm is '{given.vllm}', which is no command; give the path of one.")
    given.vllm = given.vllm or shutil.which("vllm")
    if given.folder and not is_open(given.folder):
        parser.error(f"--folder is '{given.folder}'; give a folder that can be written to.")
    try:
        given.target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--target is '{given.target}' ({error.strerror}); give another file.")
    if given.target.is_dir() or not is_open(given.target.parent):
        parser.error(f"--target is '{given.target}'; give a file in a folder to write to.")
    return given


def is_open(folder: Path) -> bool:
    """Tell whether files can be written into a folder."""
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def measure(setting: Setting, minutes: float) -> Iterator[list[Row]]:
    """Yield the rows of each part, or one that says that it was left out.

    A part begins only where as much time is left as the longest one before it took.
    """
    longest = 0.0
    setting.end = time.monotonic() + 60 * minutes
    for name, what, part in PARTS:
        begun = time.monotonic()
        left = setting.end - begun
        if left < longest:
            note = f"{max(left, 0):.0f} s were left, and a part before took {longest:.0f}"
            yield [Row(name, f"left out: {what}", None, note=f"{note}; give more --minutes")]
            continue
        rows = guarded(name, partial(part, setting))
        longest = max(longest, time.monotonic() - begun)
        yield rows
    setting.drop()


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

"""Measures `emolit predict --checkpoint`: speed in real time, and memory as the work grows.

    python -m tools.bench.predict
    python -m tools.bench.predict --clips 1000 --hours 2 --checkpoint runs/demo/grpo/best

A process asks about few clips and another about many, one about a short file and another about a
long one. Peak memory is that of the whole process. Prints a table and writes
``runs/bench/predict.json``. Without ``--checkpoint`` a tiny model of new weights answers, which
says nothing but takes as long.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import soundfile

from emolit.affect.taxonomy import Taxonomy
from emolit.engine.weights.record import FILE, record_of_run, render_record
from emolit.policies.nano import Nano, NanoSize, write_nano
from emolit.prompts.direct import Direct
from emolit.types import Sampling

TARGET = Path("runs/bench/predict.json")
RATE = 16_000
SECONDS = 4.0
"""Of a clip."""
MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds = time.perf_counter() - start
if done.returncode:
    sys.exit(done.stderr)
print(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the four cases, print them, and write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=1000, help="of four seconds")
    parser.add_argument("--hours", type=float, default=2.0, help="of the long file")
    parser.add_argument("--checkpoint", type=Path, help="by default a tiny model is made")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        checkpoint = given.checkpoint or make_checkpoint(folder)
        cases = {
            "few clips": (
                write_clips(folder / "few", given.clips // 10),
                given.clips // 10 * SECONDS,
            ),
            "clips": (write_clips(folder / "many", given.clips), given.clips * SECONDS),
            "short file": (write_long(folder / "short.wav", given.hours / 10), given.hours * 360),
            "long file": (write_long(folder / "long.wav", given.hours), given.hours * 3600),
        }
        rows = {name: measure(checkpoint, *case, folder) for name, case in cases.items()}
    for name, row in rows.items():
        print(
            f"{name:12}{row['sound_s']:9.0f} s of sound  {row['wall_s']:7.1f} s  "
            f"{row['times_real_time']:6.1f}x real time  peak {row['peak_mib']:.0f} MiB"
        )
    given.target.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cpu": platform.processor(), "cores": os.cpu_count(), "date": time.strftime("%F")}
    given.target.write_text(json.dumps({**machine, "rows": rows}, indent=2) + "\n")
    return 0


def measure(checkpoint: Path, recordings: Path, sound: float, folder: Path) -> dict[str, float]:
    """Ask about recordings in a process of their own; return its time and memory."""
    asked = [
        *[sys.executable, "-m", "emolit", "predict", "--checkpoint", str(checkpoint)],
        *[str(recordings), "--out", str(folder / f"{recordings.stem}.csv")],
        *["--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false"],
    ]
    environment = {**os.environ, "EMOLIT_CACHE": str(folder / f"cache-{recordings.stem}")}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *asked],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"error: emolit predict failed on {recordings}:\n{done.stderr}")
    wall, peak = map(float, done.stdout.split())
    return {"sound_s": sound, "wall_s": wall, "times_real_time": sound / wall, "peak_mib": peak}


def make_checkpoint(folder: Path) -> Path:
    """Write a tiny model that says what it answers; return its folder."""
    checkpoint = write_nano(folder / "nano", NanoSize(), seed=0)
    policy = Nano(str(checkpoint))
    policy.build(reference=False, seed=0)
    task = SimpleNamespace(policy=policy, prompt=Direct(), sampling=Sampling(max_tokens=6))
    labels = Taxonomy(("angry", "happy", "neutral", "sad"))
    corpus: Any = SimpleNamespace(taxonomy=labels, names=("none",), sampling_rate=RATE)
    (checkpoint / FILE).write_text(render_record(record_of_run(task, corpus, {})))
    return checkpoint


def noise(seconds: float, seed: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Return noise ``[samples]``."""
    random = np.random.default_rng(seed)
    return 0.1 * random.standard_normal(round(seconds * RATE), dtype=np.float32)


def write_clips(folder: Path, count: int) -> Path:
    """Write clips of four seconds; return their folder."""
    folder.mkdir()
    for index in range(count):
        soundfile.write(folder / f"{index}.wav", noise(SECONDS, index), RATE)
    return folder


def write_long(path: Path, hours: float) -> Path:
    """Write a long recording, a minute at a time; the last one may be short."""
    seconds = hours * 3600
    with soundfile.SoundFile(path, "w", RATE, 1) as file:
        for minute in range(ceil(seconds / 60)):
            file.write(noise(min(60.0, seconds - 60 * minute), minute))
    return path


if __name__ == "__main__":
    raise SystemExit(main())

"""Measures how a corpus of many clips starts: the first time, and from then on.

    python -m tools.bench.clips
    python -m tools.bench.clips --clips 5000 20000 --seconds 0.2

Writes files of noise, a thousand a folder, with a table of them, and starts on them twice. Each
start is a process of its own and counts from the reading of the table until all clips have their
split. Prints a line for each number of clips and writes ``runs/bench/clips.json``. The disk is that
of ``TMPDIR``; its cache is warm.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from emolit.data.decoding_pool import available_cores, decoding_processes

TARGET = Path("runs/bench/clips.json")
RATE = 16_000
START = """
import sys, time
from emolit.corpora.manifest import Manifest
corpus = Manifest("clips.csv", root=sys.argv[1])
wall, used = time.perf_counter(), time.process_time()
corpus.prepare_data()
corpus.setup()
print("seconds", time.perf_counter() - wall, time.process_time() - used)
"""


def main(arguments: list[str] | None = None) -> int:
    """Measure each number of clips, print the table, and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, nargs="+", default=[5_000, 20_000])
    parser.add_argument("--seconds", type=float, default=0.2, help="of a clip")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    rows = [measure(clips, given.seconds) for clips in given.clips]
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    given.target.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": available_cores(), "date": time.strftime("%F")}
    given.target.write_text(json.dumps({**machine, "rows": rows}, indent=2) + "\n")
    return 0


def measure(clips: int, seconds: float) -> dict[str, float]:
    """Start a corpus of some clips anew and again; return what each took."""
    with tempfile.TemporaryDirectory() as text:
        folder = write_clips(Path(text) / "clips", clips, seconds)
        (first, used), (again, reused) = (start(folder, Path(text) / "cache") for _ in range(2))
        return {
            "clips": clips,
            "processes": max(1, decoding_processes(clips)),
            "first_s": round(first, 2),
            "first_cpu_s": round(used, 2),
            "again_s": round(again, 2),
            "again_cpu_s": round(reused, 2),
        }


def start(folder: Path, cache: Path) -> tuple[float, float]:
    """Start the corpus in a process of its own; return what it took, in seconds and CPU seconds.

    CPU seconds are those of the process itself, without processes that decode beside it.
    """
    done = subprocess.run(
        [sys.executable, "-c", START, str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "EMOLIT_CACHE": str(cache)},
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"error: the corpus did not start:\n{done.stderr}")
    wall, used = map(float, done.stdout.split("seconds")[1].split())
    return wall, used


def write_clips(folder: Path, count: int, seconds: float) -> Path:
    """Write clips of noise, a thousand a folder, and their table; return the folder."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE))
    lines = ["path,label,speaker"]
    for index in range(count):
        part = folder / f"{index // 1000:03d}"
        part.mkdir(parents=True, exist_ok=True)
        soundfile.write(part / f"{index}.wav", noise.astype("float32"), RATE)
        lines.append(f"{part.name}/{index}.wav,{('angry', 'sad')[index % 2]},s{index % 50}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder


if __name__ == "__main__":
    raise SystemExit(main())

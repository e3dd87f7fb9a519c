"""Measures how long TensorBoard's first page takes in a browser, with many runs.

    python -m tools.bench.board --runs 50
    python -m tools.bench.board --runs 50 --like runs/demo/grpo/fit

Each run has the events of ``--like``; without it, made-up curves of as many tags as a demo run.
Time counts from the request of the page to the first chart that is drawn, the server having read
the runs. Needs Chromium, and prints the median of three.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from torch.utils.tensorboard import SummaryWriter

TAGS, POINTS = 80, 70
"""Curves of a run and points of a curve, as those of `demo/grpo`."""
CHART = "scalar-card line-chart svg, scalar-card line-chart canvas, line-chart canvas"
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
SERVE = """
import sys
from tensorboard.program import TensorBoard
server = TensorBoard()
server.configure(argv=["", "--logdir", sys.argv[1], "--port", "0"])
print(server.launch(), flush=True)
sys.stdin.read()
"""


def main(arguments: list[str] | None = None) -> int:
    """Make the runs, open the page, print the time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--like", type=Path, help="folder with the events of a run")
    given = parser.parse_args(arguments)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.stderr.write("error: there is no Chromium; run `apt-get install chromium`.\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        write_runs(Path(folder), given.runs, given.like)
        seconds = [measure(Path(folder), chromium) for _ in range(3)]
    print(f"{given.runs} runs: the first chart after {median(seconds):.2f} s {seconds}")
    return 0


def write_runs(folder: Path, runs: int, like: Path | None) -> None:
    """Write the events of some runs."""
    for run in range(runs):
        if like is not None:
            shutil.copytree(like, folder / f"run{run}")
            continue
        with SummaryWriter(str(folder / f"run{run}")) as writer:
            for step in range(POINTS):
                for tag in range(TAGS):
                    writer.add_scalar(f"group{tag % 8}/tag{tag}", (run + tag) / (step + 1), step)


def measure(folder: Path, chromium: str) -> float:
    """Return the seconds from the request of the page to its first chart."""
    from playwright.sync_api import sync_playwright

    server = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    try:
        address = server.stdout.readline().strip()
        time.sleep(20)  # it reads the runs
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=[*QUIET])
            tab = browser.new_page(viewport={"width": 1400, "height": 900})
            started = time.perf_counter()
            tab.goto(address)
            tab.locator(CHART).first.wait_for(timeout=120_000)
            seconds = time.perf_counter() - started
            browser.close()
    finally:
        server.communicate(timeout=60)
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())

"""Trains emolit and TRL side by side on the same tiny random models and compares their steps.

    python -m tools.bench [--cases text_p256_c32 ...] [--rounds 3] [--steps 3] [--growth]

One process a side and run, in turn (A/B/A/B ...), one thread, the first step of each dropped;
prints medians, memory, counted work and the correctness gate, and writes ``runs/bench/step.json``.
The exit status is 1 if the gate fails. docs/performance.md says why the comparison is fair.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tools.bench.cases import BATCH, CASES, GROUP, Case, write

ROOT = Path(__file__).parents[2]
TARGET = Path("runs/bench/step.json")
SIDES = ("ours", "trl")
TOLERANCE = {"logprobs": 1e-5, "loss": 1e-4, "gradients": 1e-4}
GOALS = {
    "text_p256_c32": 4.0,
    "text_p512_c32": 5.5,
    "text_p64_c64": 1.8,
    "text_p32_c128": 1.5,
    "audio_10s_frozen": 9.0,
    "audio_10s_trainable": 10.0,
}
"""Ratios of wall time that the project wants; a case that misses its goal says so."""
MEMORY_GOAL = 2.0
REWARDS_GOAL = 0.02
"""Share of a step that scoring, adding and logging rewards may take."""
PACKAGES = ("torch", "transformers", "trl", "accelerate", "datasets", "peft", "lightning")
MISSING = "TRL is not installed here; run `pip install '.[bench]'`, or `make bench`, which does."


def main(arguments: list[str] | None = None) -> int:
    """Run the cases, print them, write them, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--rounds", type=int, default=3, help="processes of each side")
    parser.add_argument("--steps", type=int, default=3, help="timed steps of a process")
    parser.add_argument("--growth", action="store_true", help="tables over G, clip and response")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    if importlib.util.find_spec("trl") is None:
        sys.stderr.write(f"{MISSING}\n")
        return 2
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(folder)
        record: dict[str, Any] = {"setting": setting(given), "cases": []}
        for case in grown() if given.growth else [CASES[name] for name in given.cases]:
            record["cases"].append(compared(case, folder, given.rounds, given.steps))
            save(given.target, record)
    show(record["cases"], Console() if sys.stdout.isatty() else Console(width=140))
    return 0 if all(case["gate"]["passed"] for case in record["cases"]) else 1


def setting(given: argparse.Namespace) -> dict[str, Any]:
    """Return where and how the figures came about."""
    versions = {}
    for name in PACKAGES:
        if importlib.util.find_spec(name):
            versions[name] = importlib.metadata.version(name)
    return {
        "versions": {"python": platform.python_version(), **versions},
        "machine": f"{os.cpu_count()}-core {platform.machine()} CPU",
        "threads": 1,
        "rounds": given.rounds,
        "steps": given.steps,
        "prompts": BATCH,
        "group": GROUP,
    }


def grown() -> Iterable[Case]:
    """Return the cases of the growth tables: over G, seconds of a clip, tokens of a response."""
    text, audio = CASES["text_p256_c32"], CASES["audio_10s_frozen"]
    for group in (2, 4, 8, 16, 32):
        yield replace(text, name=f"text_p256_c32_g{group}", group=group)
    for seconds in (5, 10, 20, 30):
        yield replace(audio, name=f"audio_{seconds}s_frozen", seconds=seconds)
    for length in (16, 32, 64, 128):
        yield replace(text, name=f"text_p256_c{length}", completion=length)


def compared(case: Case, folder: Path, rounds: int, steps: int) -> dict[str, Any]:
    """Run both sides in turn, then the gate."""
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for turn in range(rounds):
        for side in SIDES:
            sys.stderr.write(f"{case.name}: round {turn + 1} of {rounds}, {side}\n")
            runs[side].append(child(side, case, folder, steps))
    return summary(case, runs, child("gate", case, folder, steps))


def child(script: str, case: Case, folder: Path, steps: int) -> dict[str, Any]:
    """Run one side in a process of its own and return what it says."""
    said = folder / "said.json"
    command = [sys.executable, "-m", f"tools.bench.{script}", case.dumps()]
    quiet = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [*command, str(folder), str(steps), str(said)],
        cwd=ROOT,
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{script} failed on {case.name}:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(said.read_text())
    return answer


def side_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians of one side over all its steps, and over its processes for memory."""
    merged: dict[str, Any] = {
        "wall_s": median(value for run in runs for value in run["wall_s"]),
        "cpu_s": median(value for run in runs for value in run["cpu_s"]),
        "peak_mb": median(run["peak_mb"] for run in runs),
        "added_mb": median(run["added_mb"] for run in runs),
        "counts": runs[0]["counts"],
        "runs": runs,
    }
    for kind in ("stages", "limits"):
        parts = [part for run in runs for part in listed(run.get(kind, []))]
        if parts:
            merged[kind] = {name: median(part[name] for part in parts) for name in parts[0]}
    return merged


def listed(thing: Any) -> list[Any]:
    """Return a list of one thing, or the list that it is."""
    return thing if isinstance(thing, list) else [thing]


def summary(case: Case, runs: dict[str, list[Any]], gate: dict[str, Any]) -> dict[str, Any]:
    """Return a case's ratios, TRL's figure over emolit's, with all that stands behind them."""
    ours, trl = side_of(runs["ours"]), side_of(runs["trl"])
    ratio = {name: trl[name] / ours[name] for name in ("wall_s", "cpu_s", "added_mb", "peak_mb")}
    stages, limits = ours["stages"], ours["limits"]
    return {
        "name": case.name,
        "ratio_wall": ratio["wall_s"],
        "ratio_cpu": ratio["cpu_s"],
        "ratio_memory": ratio["added_mb"],
        "ratio_peak": ratio["peak_mb"],
        "goal_wall": GOALS.get(case.name),
        "goal_memory": MEMORY_GOAL,
        "update_over_limit": (stages["prefill"] + stages["update"]) / limits["update_s"],
        "decode_over_limit": stages["decode"] / limits["decode_s"],
        "rewards_share": stages["rewards"] / ours["wall_s"],
        "goal_rewards": REWARDS_GOAL,
        "tokens": BATCH * case.group * case.completion,
        "gate": {"found": gate, "tolerance": TOLERANCE, "passed": passed(gate)},
        "emolit": ours,
        "trl": trl,
    }


def passed(gate: dict[str, dict[str, float]]) -> bool:
    """Tell whether every difference is within its bound."""
    return all(found[name] <= TOLERANCE[name] for found in gate.values() for name in TOLERANCE)


def save(target: Path, record: dict[str, Any]) -> None:
    """Write what there is so far."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(record, indent=2))


def show(cases: list[dict[str, Any]], console: Console) -> None:
    """Print the tables."""
    for table in (speed_table(cases), work_table(cases), gate_table(cases)):
        console.print(table)


def made(title: str, columns: Iterable[str]) -> Table:
    """Return an empty table, its figures to the right."""
    table = Table(title=title)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=not place)
    return table


def speed_table(cases: list[dict[str, Any]]) -> Table:
    """Return times and memory of both sides, and TRL over emolit."""
    columns = ("case", "emolit s", "TRL s", "wall", "goal", "CPU", "added MB", "TRL MB", "memory")
    table = made("A step: median of wall time, memory added; ratios are TRL over emolit", columns)
    for case in cases:
        ours, trl, goal = case["emolit"], case["trl"], case["goal_wall"]
        missed = goal is not None and case["ratio_wall"] < goal
        table.add_row(
            case["name"],
            f"{ours['wall_s']:.2f}",
            f"{trl['wall_s']:.2f}",
            f"{case['ratio_wall']:.2f}",
            "" if goal is None else f"{goal:g}{' missed' if missed else ''}",
            f"{case['ratio_cpu']:.2f}",
            f"{ours['added_mb']:.0f}",
            f"{trl['added_mb']:.0f}",
            f"{case['ratio_memory']:.2f}{' missed' if case['ratio_memory'] < MEMORY_GOAL else ''}",
        )
    return table


def work_table(cases: list[dict[str, Any]]) -> Table:
    """Return what one step of either side has run, counted by hooks, and emolit's limits."""
    parts = ("tower_rows", "prefix_tokens", "rollout_logit_rows", "update_logit_rows")
    heads = ("case", "tower rows", "prefix tokens", "logits, rollout", "logits, update")
    columns = (
        *heads,
        "response tokens",
        "prefill s",
        "decode s",
        "update s",
        "over limits",
        "rewards",
    )
    table = made("Work of a step, emolit / TRL; times of emolit's parts over their limits", columns)
    for case in cases:
        sides = [case[side]["counts"] for side in ("emolit", "trl")]
        stages, share = case["emolit"]["stages"], case["rewards_share"]
        table.add_row(
            case["name"],
            *(" / ".join(str(side.get(part, 0)) for side in sides) for part in parts),
            str(case["tokens"]),
            *(f"{stages[part]:.2f}" for part in ("prefill", "decode", "update")),
            f"update {case['update_over_limit']:.1f}, decode {case['decode_over_limit']:.1f}",
            f"{share:.2%}{' missed' if share > REWARDS_GOAL else ''}",
        )
    return table


def gate_table(cases: list[dict[str, Any]]) -> Table:
    """Return the largest differences on fixed ids."""
    table = made("Gate: largest differences", ("case", "against", *TOLERANCE, "passed"))
    for case in cases:
        for against, found in case["gate"]["found"].items():
            figures = (f"{found[name]:.1e}" for name in TOLERANCE)
            table.add_row(case["name"], against, *figures, str(case["gate"]["passed"]))
    return table


if __name__ == "__main__":
    sys.exit(main())

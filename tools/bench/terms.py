"""Measures what each addition to GRPO costs: gold replies, perception, all options.

    python -m tools.bench.terms
    python -m tools.bench.terms --steps 20 --group 8 --tokens 16 --seconds 4

A step is a rollout, its rewards, the loss and its gradient, on clips of noise, under a tiny model
of new weights whose responses have ``--tokens`` tokens. The sides take turns, each on the same
batches; the figure is the median of the ratios to the plain step beside it. Prints a table and
writes ``runs/bench/terms.json``.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from emolit.affect.taxonomy import Taxonomy
from emolit.demonstrations.chord import CHORD
from emolit.demonstrations.hpt import HPT
from emolit.demonstrations.luffy import LUFFY
from emolit.evaluators.categorical import Categorical
from emolit.objectives.expected_reward import ExpectedReward
from emolit.objectives.grpo import GRPO
from emolit.policies.nano import Nano, NanoSize, write_nano
from emolit.prompts.direct import Direct
from emolit.reporting.tables import ScoreTable
from emolit.rewards.correct import Correct
from emolit.rewards.length import Length
from emolit.tasks.enumerated import EnumeratedFinetuning
from emolit.tasks.rl import ReinforcementFinetuning
from emolit.tasks.sft import SupervisedFinetuning
from emolit.types import Batch, Clip, Sampling
from tools.bench.alone import detach, make_step

TARGET = Path("runs/bench/terms.json")
LABELS = ("angry", "happy", "neutral", "sad")
PLAIN = "GRPO"


def main(arguments: list[str] | None = None) -> int:
    """Take turns, print the ratios, and write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=15, help="of each side")
    parser.add_argument("--group", type=int, default=8, help="responses a prompt")
    parser.add_argument("--clips", type=int, default=8, help="of a step")
    parser.add_argument("--tokens", type=int, default=16, help="of a sampled response")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a clip")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(given, Path(folder))
    plain = found[PLAIN]
    rows = {
        name: {
            "seconds": median(times),
            "ratio": median(a / b for a, b in zip(times, plain, strict=True)),
        }
        for name, times in found.items()
    }
    text = tuple(
        (name, f"{row['seconds']:.3f}", f"{row['ratio']:.2f}") for name, row in rows.items()
    )
    ScoreTable("what a step costs", ("step", "seconds", "times GRPO"), text).show()
    given.target.parent.mkdir(parents=True, exist_ok=True)
    shape = {
        name: getattr(given, name) for name in ("steps", "group", "clips", "tokens", "seconds")
    }
    given.target.write_text(json.dumps({"shape": shape, "rows": rows}, indent=2), encoding="utf-8")
    return 0


def measure(given: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Return the seconds of each step of each side; the first one, which warms up, is dropped."""
    size = NanoSize(seconds=max(1, round(given.seconds)), width=128, layers=4, heads=4)
    policy = Nano(str(write_nano(folder, size, seed=0)))
    policy.build(reference=False, seed=0)
    tasks = tasks_of(policy, given)
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for step in range(given.steps + 1):
        batch = noise(given, step)
        for name, task in tasks.items():
            started = time.perf_counter()
            make_step(task, replace(batch), step)
            times[name].append(time.perf_counter() - started)
    return {name: seconds[1:] for name, seconds in times.items()}


def tasks_of(policy: Any, given: argparse.Namespace) -> dict[str, Any]:
    """Return the sides by name, plain GRPO first."""
    shared = {
        "policy": policy,
        "optimizer": partial(torch.optim.SGD, lr=0.0),
        "evaluator": Categorical(Taxonomy(LABELS)),
        "prompt": Direct(),
        "sampling": Sampling(max_tokens=given.tokens),
    }
    rewarded = {**shared, "rewards": [Correct(), Length(low=1, high=64)]}
    grpo = partial(
        ReinforcementFinetuning, objective=GRPO(kl=0.0), group_size=given.group, **rewarded
    )
    made = {
        PLAIN: grpo(),
        "with CHORD": grpo(demonstrations=CHORD()),
        "with LUFFY": grpo(demonstrations=LUFFY()),
        "with HPT": grpo(demonstrations=HPT()),
        "with an entropy bonus": grpo(entropy=0.01),
        "with perception": grpo(perception=0.01),
        "beyond silence": grpo(beyond_silence=True),
        "all options, no samples": EnumeratedFinetuning(
            objective=ExpectedReward(), **{**rewarded, "rewards": [Correct()]}
        ),
        "imitation": SupervisedFinetuning(**shared),
    }
    return {name: detach(task) for name, task in made.items()}


def noise(given: argparse.Namespace, step: int) -> Batch:
    """Return clips of noise with questions and gold replies."""
    random = torch.Generator().manual_seed(step)
    prompt, length = Direct(), round(given.seconds * 16_000)
    clips = tuple(
        Clip(f"{step}-{index}", "noise", "noise.wav", LABELS[index % len(LABELS)])
        for index in range(given.clips)
    )
    return Batch(
        clips=clips,
        questions=tuple(prompt.render(clip, LABELS) for clip in clips),
        targets=tuple(prompt.target(clip) for clip in clips),
        options=LABELS,
        waveforms=tuple(0.1 * torch.randn(length, generator=random) for _ in clips),
        sampling_rate=16_000,
    )


if __name__ == "__main__":
    raise SystemExit(main())

"""Time one GRPO step by its parts, on the tiny model with random weights and noise as audio.

    python tools/bench.py [--clips 16] [--group 8] [--repeats 5]

Prints medians in milliseconds and writes them to ``runs/bench/step.json``. ``loss (whole rows)``
scores every response with its own copy of the prompt, as other trainers do.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from emolit.engine.scoring import plain_logprobs
from emolit.policies.nano import Nano
from emolit.prompts.direct import Direct
from emolit.types import Batch, Clip, Sampling

OPTIONS = ("angry", "happy", "neutral", "sad")


def noise(clips: int) -> Batch:
    """Return a batch of two-second clips of noise."""
    generator = torch.Generator().manual_seed(0)
    prompt = Direct()
    made = tuple(Clip(str(i), "noise", f"{i}.wav", OPTIONS[i % 4]) for i in range(clips))
    return Batch(
        clips=made,
        questions=tuple(prompt.render(clip, OPTIONS) for clip in made),
        targets=tuple(prompt.target(clip) for clip in made),
        options=OPTIONS,
        waveforms=tuple(0.1 * torch.randn(32_000, generator=generator) for _ in made),
        sampling_rate=16_000,
    )


def milliseconds(run: Callable[[], object], repeats: int) -> float:
    """Return the median duration of a call, the first one dropped."""
    durations = []
    for _ in range(repeats + 1):
        started = time.perf_counter()
        run()
        durations.append(1000 * (time.perf_counter() - started))
    return statistics.median(durations[1:])


def main() -> None:
    """Time the parts and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    policy = Nano(None)
    policy.build(reference=True, seed=0)
    batch, sampling = noise(given.clips), Sampling(max_tokens=8)
    rollout = policy.sample(batch, given.group, sampling, seed=0, step=0)

    def whole_rows() -> torch.Tensor:
        return plain_logprobs(
            policy.base,
            policy.head,
            policy.encode(batch),
            rollout.tokens,
            rollout.mask,
            sampling,
            policy.forbidden,
        )

    parts = {
        "features": lambda: policy._inputs(batch),
        "rollout": lambda: policy.sample(batch, given.group, sampling, seed=0, step=0),
        "reference": lambda: policy.reference_logprobs(rollout),
        "loss (shared prefix)": lambda: policy.logprobs(rollout).sum().backward(),
        "loss (whole rows)": lambda: whole_rows().sum().backward(),
    }
    figures = {name: milliseconds(run, given.repeats) for name, run in parts.items()}
    for name, figure in figures.items():
        print(f"{name:<22} {figure:>9.1f} ms")
    record = {"clips": given.clips, "group": given.group, "threads": torch.get_num_threads()}
    target = Path("runs/bench/step.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({**record, "milliseconds": figures}, indent=2))


if __name__ == "__main__":
    main()

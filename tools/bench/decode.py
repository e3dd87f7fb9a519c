"""Counts what a decoded token costs: kernels, and how often the host waits for the device.

    python -m tools.bench.decode
    python -m tools.bench.decode --layers 32 --group 6

A tiny model of new weights with as many layers as a 7B answers two clips, under torch's dispatch
mode, on the CPU. An operator that makes numbers counts as a kernel; views do not. Where an operator
needs a number on the host, a GPU would be waited for: that is a sync. The figure is the difference
of a long rollout and a short one, divided by the tokens between them, so that prompts do not count.
Times of a GPU it does not tell. Prints a table and writes ``runs/bench/decode.json``.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.utils._python_dispatch import TorchDispatchMode

from emolit.engine.sampling.generate import LOOK_EVERY
from emolit.engine.weights.adapters import Lora
from emolit.policies.nano import Nano, NanoSize, write_nano
from emolit.reporting.tables import ScoreTable
from emolit.types import Batch, Clip, Sampling

TARGET = Path("runs/bench/decode.json")
SHORT, LONG = 8, 24
"""Tokens of the two rollouts; both are multiples of what lies between two looks at stop strings."""
VIEWS = {
    "view", "t", "transpose", "expand", "slice", "select", "unsqueeze", "squeeze", "detach",
    "as_strided", "permute", "_unsafe_view", "alias", "split", "split_with_sizes", "unbind",
    "lift_fresh", "unfold", "chunk", "narrow", "_reshape_alias", "diagonal", "movedim",
}  # fmt: skip
WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero"}
"""Operators whose result, or its size, the host must know."""
FORMS: dict[str, dict[str, Any]] = {
    "whole model, bf16": {"dtype": "bfloat16"},
    "whole model, fp32, bf16-mixed": {"mixed": True},
    "whole model, FSDP2": {"sharded": True},
    "LoRA, bf16, not merged": {"dtype": "bfloat16", "lora": True, "merge": False},
    "LoRA, bf16": {"dtype": "bfloat16", "lora": True},
    "LoRA, bf16-mixed, not merged": {
        "dtype": "bfloat16",
        "lora": True,
        "mixed": True,
        "merge": False,
    },
    "LoRA, bf16-mixed": {"dtype": "bfloat16", "lora": True, "mixed": True},
    "LoRA, FSDP2": {"dtype": "bfloat16", "lora": True, "sharded": True},
    "LoRA, fp32, not merged": {"lora": True, "merge": False},
    "LoRA, fp32": {"lora": True},
}


class Counted(TorchDispatchMode):
    """Counts kernels and syncs while it is on."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: Counter[str] = Counter()
        self.syncs: Counter[str] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Count an operator and run it."""
        name = function.overloadpacket.__name__
        if name not in VIEWS and "profiler" not in str(function):
            self.kernels[name] += 1
        if name in WAITS or (name.startswith("index") and chooses_by_mask(args)):
            self.syncs[name] += 1
        return function(*args, **(kwargs or {}))


def chooses_by_mask(args: Any) -> bool:
    """Tell whether an index is a mask, whose count the host must know."""
    given = args[1] if len(args) > 1 and isinstance(args[1], list | tuple) else ()
    return any(isinstance(index, torch.Tensor) and index.dtype == torch.bool for index in given)


@contextmanager
def counted_moves(found: Counter[str]) -> Iterator[None]:
    """Count ``cpu``, by which tensors come to the host; where all lies there it is no operator."""
    before = torch.Tensor.cpu

    def counted(tensor: torch.Tensor) -> torch.Tensor:
        found["cpu"] += 1
        return before(tensor)

    setattr(torch.Tensor, "cpu", counted)  # noqa: B010  # mypy takes methods for constants
    try:
        yield
    finally:
        setattr(torch.Tensor, "cpu", before)  # noqa: B010


def main(arguments: list[str] | None = None) -> int:
    """Count for each form of weights, print, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layers", type=int, default=32, help="of the language model")
    parser.add_argument("--group", type=int, default=6, help="responses a prompt")
    parser.add_argument("--target", type=Path, default=TARGET, help="where the figures go")
    given = parser.parse_args(arguments)
    size = NanoSize(
        seconds=1, mels=20, tower_width=16, tower_layers=1, width=16, layers=given.layers, heads=2
    )
    with tempfile.TemporaryDirectory() as folder, one_process(folder):
        nano = write_nano(Path(folder), size, seed=0)
        found = {form: count(nano, given.group, **FORMS[form]) for form in FORMS}
    rows = tuple(
        (form, f"{each['kernels']:.0f}", f"{each['syncs']:.2f}") for form, each in found.items()
    )
    ScoreTable("what a token costs", ("weights", "kernels", "syncs"), rows).show()
    given.target.parent.mkdir(parents=True, exist_ok=True)
    shape = {"layers": given.layers, "group": given.group}
    given.target.write_text(json.dumps({"shape": shape, "rows": found}, indent=2), encoding="utf-8")
    return 0


@contextmanager
def one_process(folder: str) -> Iterator[None]:
    """Make a group of one process, over which weights can be sharded; it meets in a folder."""
    meeting = f"file://{folder}/meet"
    distributed.init_process_group("gloo", init_method=meeting, rank=0, world_size=1)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def count(
    nano: Path,
    group: int,
    dtype: Literal["float32", "bfloat16"] = "float32",
    lora: bool = False,
    mixed: bool = False,
    merge: bool | None = None,
    sharded: bool = False,
) -> dict[str, Any]:
    """Return kernels and syncs a token of one form of weights, and which syncs they are."""
    policy = Nano(str(nano), lora=Lora(rank=4, merge=merge) if lora else None, dtype=dtype)
    policy.build(reference=False, seed=0)
    if sharded:
        names = ("data_parallel", "tensor_parallel")
        policy.shard(init_device_mesh("cpu", (1, 1), mesh_dim_names=names), torch.bfloat16)
    batch = clips()
    totals = []
    LOOK_EVERY["cpu"] = LOOK_EVERY["cuda"]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, mixed, cache_enabled=False):
        policy.encode(batch)
        for length in (SHORT, LONG):
            counted = Counted()
            sampling = Sampling(max_tokens=length, stop=("never said",))
            with counted_moves(counted.syncs), counted:
                rollout = policy.sample(batch, group, sampling, seed=0, step=0)
            if rollout.tokens.shape[2] != length:
                raise SystemExit("All responses have ended early; take more layers or rows.")
            totals.append((counted.kernels.total(), counted.syncs))
    tokens = LONG - SHORT
    syncs = {name: (totals[1][1][name] - totals[0][1][name]) / tokens for name in totals[1][1]}
    return {
        "kernels": (totals[1][0] - totals[0][0]) / tokens,
        "syncs": sum(syncs.values()),
        "which": {name: many for name, many in syncs.items() if many},
    }


def clips() -> Batch:
    """Return two clips of noise; the questions differ in length, so that one is padded."""
    generator = torch.Generator().manual_seed(0)
    return Batch(
        clips=tuple(Clip(f"{i}", "noise", f"{i}.wav") for i in range(2)),
        questions=("Well?", "Well, which emotion?"),
        targets=(None, None),
        options=(),
        waveforms=tuple(0.1 * torch.randn(8_000, generator=generator) for _ in range(2)),
        sampling_rate=16_000,
    )


if __name__ == "__main__":
    raise SystemExit(main())

"""Weights sharded over processes (FSDP2): who shards, who runs along, how they come together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor

from emolit.compat.transformers import checkpointing_units
from emolit.engine.towers.memo import frozen_towers

Anyone = Callable[[bool], bool]
"""Tells whether something holds for any process; every process must ask equally often."""


def single_process(here: bool) -> bool:
    """Ask this process only."""
    return here


def any_rank(mesh: Any) -> Anyone:
    """Return a question to all processes."""

    def ask(here: bool) -> bool:
        flag = torch.tensor(int(here), device=mesh.device_type)
        distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
        return bool(flag.item())

    return ask


def shard(network: nn.Module, mesh: Any, compute: torch.dtype | None = None) -> None:
    """Shard a transformers model in place: a unit for every layer, one for the rest.

    A frozen tower belongs to the rest: a process that remembers what it said leaves it out, and the
    others must not wait for it.

    Args:
        network: The model, loaded.
        mesh: Two axes as Lightning makes them: weights are the same along the first (nodes) and
            sharded along the second (processes of a node).
        compute: What weights are cast to as they are gathered, and inputs with them; gradients are
            summed up in float32. None computes in the precision of the weights.
    """
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    policy = MixedPrecisionPolicy(param_dtype=compute, reduce_dtype=compute and torch.float32)

    towers = tuple(f"{name}." for name in frozen_towers(network))
    for name, module in checkpointing_units(network):
        if not name.startswith(towers):
            fully_shard(module, mesh=mesh, mp_policy=policy)
    fully_shard(network, mesh=mesh, mp_policy=policy)


def reshard(network: nn.Module) -> None:
    """Let go of gathered weights: what is written afterwards is written to the shards.

    A network that has run forward only keeps the weights of its outermost unit gathered.
    """
    from torch.distributed.fsdp import FSDPModule

    for module in network.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


@contextmanager
def gathered_once(network: nn.Module) -> Iterator[None]:
    """Keep the weights of a sharded network gathered from their first use to the end of a block.

    Else each layer would be gathered anew for each token. Behind the first pass no process waits
    for another. The outermost unit stays gathered behind the block too, as after any pass.
    """
    from torch.distributed.fsdp import FSDPModule

    units = [part for part in network.modules() if isinstance(part, FSDPModule)]
    layers = [unit for unit in units if unit is not network]
    for layer in layers:
        layer.set_reshard_after_forward(False, recurse=False)
    try:
        yield
    finally:
        for layer in layers:
            layer.set_reshard_after_forward(True, recurse=False)
            layer.reshard()


def gather_weights(
    model: nn.Module, wanted: Callable[[str], bool] | None = None
) -> dict[str, Tensor]:
    """Return weights, whole, on the host of the first process; every process must ask.

    They come together one by one, so that a device holds one whole weight at a time. What is not
    wanted, such as the frozen weights below adapters, stays where it is.

    Args:
        model: Sharded.
        wanted: Tells by its name whether a weight is; None takes all.
    """
    found: dict[str, Tensor] = {}
    known: dict[int, Tensor] = {}  # weights that are tied stay one
    for name, weight in model.state_dict(keep_vars=True).items():
        if isinstance(weight, Tensor) and (wanted is None or wanted(name)):
            if id(weight) not in known:
                known[id(weight)] = gather_one(weight.detach())
            found[name] = known[id(weight)]
    return found if distributed.get_rank() == 0 else {}


def gather_one(weight: Tensor) -> Tensor:
    """Return a weight, whole, on the host of the first process; every process must ask."""
    whole = weight.full_tensor() if isinstance(weight, DTensor) else weight
    return whole.cpu() if distributed.get_rank() == 0 else whole.new_empty(0)

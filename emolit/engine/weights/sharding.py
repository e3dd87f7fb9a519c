"""Weights sharded over processes (FSDP2): who shards, who runs along, how they come together."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, distributed, nn

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


def shard(network: nn.Module, mesh: Any) -> None:
    """Shard a transformers model in place: a unit for every layer, one for the rest.

    A frozen tower belongs to the rest: a process that remembers what it said leaves it out, and the
    others must not wait for it.

    Args:
        network: The model, loaded.
        mesh: Two axes as Lightning makes them: weights are the same along the first (nodes) and
            sharded along the second (processes of a node).
    """
    from torch.distributed.fsdp import fully_shard

    towers = tuple(f"{name}." for name in frozen_towers(network))
    for name, module in checkpointing_units(network):
        if not name.startswith(towers):
            fully_shard(module, mesh=mesh)
    fully_shard(network, mesh=mesh)


def reshard(network: nn.Module) -> None:
    """Let go of gathered weights: what is written afterwards is written to the shards.

    A network that has run forward only keeps the weights of its outermost unit gathered.
    """
    from torch.distributed.fsdp import FSDPModule

    for module in network.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def gather_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return all weights, whole, on the host of the first process; every process must ask."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state = get_model_state_dict(model, options=options)
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}

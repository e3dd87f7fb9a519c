"""One process reads the weights of a sharded network, and all get their parts from it.

So the hosts hold one whole copy in all, and not one a process; on its device each process holds its
own parts and, for a moment, one whole weight. A frozen twin copies the parts.
"""

from itertools import chain
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from emolit.engine.weights.sharding import shard
from emolit.errors import PolicyError


def reads_weights() -> bool:
    """Tell whether this process is the one that reads weights, the first or the only one."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def share_out(network: nn.Module, mesh: Any, compute: torch.dtype | None = None) -> None:
    """Shard a network whose weights the first process has; every process must call it.

    Args:
        network: Loaded by the first process, of the same architecture in all others.
        mesh: As for `shard`.
        compute: As for `shard`.

    Raises:
        PolicyError: The processes have built different networks.
    """
    whole = empty_weights(network)
    shard(network, mesh, compute)
    network.to_empty(device=mesh.device_type)
    send_weights(network, whole)


def copy_out(twin: nn.Module, network: nn.Module, mesh: Any, compute: torch.dtype | None) -> None:
    """Shard a frozen twin and give it the parts that a sharded network has of the same weights."""
    empty_weights(twin)
    shard(twin, mesh, compute)
    twin.to_empty(device=mesh.device_type)
    with torch.no_grad():
        for mirror, kept in zip(tensors_of(twin), tensors_of(network), strict=True):
            mirror[1].copy_(kept[1])


def tensors_of(network: nn.Module) -> list[tuple[str, Tensor]]:
    """Return weights and buffers by name; those that are tied once."""
    return list(chain(network.named_parameters(), network.named_buffers()))


def empty_weights(network: nn.Module) -> dict[str, Tensor]:
    """Take the weights out of a network, which keeps shapes alone; return them by name.

    The first process decides the precision, and what trains. Buffers stay where they are and are
    returned, too.

    Raises:
        PolicyError: Names or shapes differ between processes.
    """
    whole = dict(tensors_of(network))
    kinds = agreed_kinds(whole)
    made: dict[int, nn.Parameter] = {}  # weights that are tied stay one
    for name, weight in list(network.named_parameters(remove_duplicate=False)):
        if id(weight) not in made:
            kind, trains = kinds[name]
            empty = torch.empty_like(weight, device="meta", dtype=kind)
            made[id(weight)] = nn.Parameter(empty, requires_grad=trains)
        parent, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(parent), leaf, made[id(weight)])
    return {name: tensor.detach() for name, tensor in whole.items()} if reads_weights() else {}


def agreed_kinds(whole: dict[str, Tensor]) -> dict[str, tuple[torch.dtype, bool]]:
    """Return for each tensor its precision in the first process, and whether it trains there.

    Raises:
        PolicyError: Names or shapes differ between processes.
    """
    own = {
        name: (tuple(tensor.shape), (tensor.dtype, tensor.requires_grad))
        for name, tensor in whole.items()
    }
    found: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, own)
    for rank, other in enumerate(found):
        odd = sorted(name for name in own.keys() | other.keys() if not alike(own, other, name))
        if odd:
            raise PolicyError(
                f"Process {rank} has built another network than process {distributed.get_rank()}: "
                f"they differ in {len(odd)} weights, such as {odd[0]!r}. All processes need the "
                "same config, the same checkpoint and the same releases."
            )
    return {name: kind for name, (_, kind) in found[0].items()}


def alike(own: dict[str, Any], other: dict[str, Any], name: str) -> bool:
    """Tell whether a tensor is there in both, of one shape."""
    return name in own and name in other and own[name][0] == other[name][0]


@torch.no_grad()
def send_weights(network: nn.Module, whole: dict[str, Tensor]) -> None:
    """Fill a sharded network from what the first process has, one tensor after the other.

    Args:
        network: Sharded, its memory empty.
        whole: Weights and buffers of the first process; given away meanwhile. Empty in the others.
    """
    for name, kept in tensors_of(network):
        sent = whole.pop(name).to(kept.device, kept.dtype) if whole else empty_like_whole(kept)
        sent = sent.contiguous()
        distributed.broadcast(sent, src=0)
        if isinstance(kept, DTensor):
            sent = distribute_tensor(sent, kept.device_mesh, kept.placements, src_data_rank=None)
        kept.copy_(sent)


def empty_like_whole(kept: Tensor) -> Tensor:
    """Return memory for a whole tensor of which a part may be kept."""
    return torch.empty(kept.shape, dtype=kept.dtype, device=kept.device)

"""What emolit relies on of torch beyond its promises."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map


def write_count(tensor: Tensor) -> int:
    """Return how often a tensor was written in place.

    Relies on ``Tensor._version``, by which autograd notices that a saved tensor was changed.
    """
    return tensor._version


def stored_weights(network: nn.Module) -> Iterator[Tensor]:
    """Yield the weights that an optimizer writes: under FSDP2 the shards, gathered or not.

    While a unit is gathered its parameters are other tensors. Relies on the state of an
    ``FSDPModule`` and on its group's ``fsdp_params``, each of which holds its ``sharded_param``.
    """
    from torch.distributed.fsdp import FSDPModule

    sharded = False
    for module in network.modules():
        if isinstance(module, FSDPModule):
            sharded = True
            group: Any = module._get_fsdp_state()._fsdp_param_group
            yield from (kept.sharded_param for kept in ([] if group is None else group.fsdp_params))
    if not sharded:
        yield from network.parameters()


def replace_forward(module: nn.Module, run: Callable[..., Any]) -> None:
    """Let a module run something else from now on; its weights and its name stay.

    Relies on ``Module.__call__`` looking ``forward`` up on the instance.
    """
    module.forward = run


@contextmanager
def replaced_forward(module: nn.Module, run: Callable[..., Any]) -> Iterator[None]:
    """Let a module run something else while the block runs; relies on the same."""
    before = vars(module).get("forward")
    module.forward = run
    try:
        yield
    finally:
        if before is None:
            del module.forward
        else:
            module.forward = before


@contextmanager
def replaced_weight(module: nn.Module, name: str, value: Tensor) -> Iterator[None]:
    """Let a module compute with another tensor, through which gradients flow, for one block.

    Relies on ``Module._parameters``, in which attribute access looks; torch's public ways either
    wrap a new leaf, which takes no gradient back, or call the module themselves.
    """
    weights: dict[str, Any] = module._parameters  # the value is a view, no leaf
    whole = weights[name]
    weights[name] = value
    try:
        yield
    finally:
        weights[name] = whole


def map_tree(run: Callable[[Any], Any], values: Any) -> Any:
    """Return nested values with each leaf changed; relies on the module ``torch.utils._pytree``."""
    return tree_map(run, values)


def avoid_cudnn_attention() -> None:
    """Keep attention from cuDNN's kernel for the rest of the process; the others stay.

    On Hopper its gradient may be NaN under a mask that is given, which is what packed rows have:
    https://github.com/pytorch/pytorch/issues/196678. No release is known to have mended it.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)

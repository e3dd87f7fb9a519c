"""NaN and infinity in weights and gradients, found before they are kept."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.nn.utils import get_total_norm


def total_norm(tensors: Iterable[Tensor]) -> Tensor:
    """Return the norm of all tensors as one vector, also where they are sharded. ``[]``.

    Every process must ask.
    """
    norm = get_total_norm([*tensors])
    return norm.full_tensor() if isinstance(norm, DTensor) else norm


@torch.no_grad()
def broken_weights(module: nn.Module) -> list[str]:
    """Return the names of the weights that train and hold NaN or infinity.

    Every process must ask. Finite weights cost one norm.
    """
    trained = [pair for pair in module.named_parameters() if pair[1].requires_grad]
    if total_norm(weight for _, weight in trained).isfinite():
        return []
    return [name for name, weight in trained if not bool(weight.isfinite().all())]

"""What emolit relies on of peft beyond its promises: names, and what switching adapters changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

ADAPTER = "default"
"""The adapter that ``get_peft_model`` and ``from_pretrained`` make."""
WRAPPED = "base_model.model."
"""Stands before the names of a wrapped model's weights."""


def is_wrapped(model: Any) -> bool:
    """Tell whether a model carries adapters; relies on ``peft_config`` being there only then."""
    return hasattr(model, "peft_config")


def plain_name(name: str) -> str:
    """Return a weight's name in the model without adapters.

    Example:
        >>> plain_name("model.base_model.model.lm_head.weight")
        'model.lm_head.weight'
    """
    return name.replace(WRAPPED, "")


def in_adapter(name: str, adapter: str = ADAPTER) -> bool:
    """Tell by its name whether a weight belongs to an adapter, modules that train in full included.

    Relies on the same as `name_in_adapter`.

    Example:
        >>> in_adapter("q_proj.lora_A.default.weight"), in_adapter("q_proj.base_layer.weight")
        (True, False)
    """
    return adapter in name.split(".")


def name_in_adapter(name: str, adapter: str, other: str) -> str:
    """Return the name of a weight's counterpart in another adapter; its own where it is shared.

    Relies on the adapter's name being a part of the names of its weights, modules that train in
    full included.

    Example:
        >>> name_in_adapter("q_proj.lora_A.default.weight", "default", "reference")
        'q_proj.lora_A.reference.weight'
    """
    return ".".join(other if part == adapter else part for part in name.split("."))


def plain_layers(model: nn.Module) -> Iterator[tuple[Any, Tensor, Tensor]]:
    """Yield the linear layers that carry a plain adapter, each with the factors of what it adds.

    A layer says ``x W^T + x down^T up^T``, with ``down`` ``[R, I]`` and ``up`` ``[O, R]``.

    Relies on ``Linear`` of ``peft.tuners.lora`` and on its attributes: layers of other classes, and
    those with a variant such as DoRA or with another adapter switched on, are left out. So are
    layers whose base does more than multiply, or has its adapter added to it already.
    """
    from peft.tuners.lora import Linear

    layers: Iterator[Any] = model.modules()  # their class is not typed
    for layer in layers:
        if type(layer) is not Linear or layer.disable_adapters or layer.fan_in_fan_out:
            continue
        odd = layer.lora_variant or layer.lora_bias.get(ADAPTER) or layer.merged
        odd = odd or does_more(layer.get_base_layer())
        if layer.active_adapters == [ADAPTER] and ADAPTER in layer.lora_A and not odd:
            up = layer.scaling[ADAPTER] * layer.lora_B[ADAPTER].weight
            yield layer, layer.lora_A[ADAPTER].weight, up


def does_more(layer: nn.Module) -> bool:
    """Tell whether a linear layer does more than multiply; relies on where torch keeps hooks.

    Accelerate, which moves weights that do not fit, puts a ``forward`` into the layer itself.
    """
    hooked = layer._forward_hooks or layer._forward_pre_hooks
    return bool(hooked) or getattr(layer.forward, "__func__", None) is not nn.Linear.forward


@contextmanager
def kept_training(model: nn.Module) -> Iterator[None]:
    """Restore which weights train: peft turns them all on when it switches adapters."""
    trains = {name: weight.requires_grad for name, weight in model.named_parameters()}
    try:
        yield
    finally:
        for name, weight in model.named_parameters():
            weight.requires_grad_(trains[name])

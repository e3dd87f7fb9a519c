"""What emolit relies on of transformers' key-value caches beyond their promises.

transformers is imported inside functions: it is slow, and most of emolit runs without it.
"""

import copy
import inspect
from functools import cache
from typing import Any

from torch import Tensor, nn

from emolit.errors import PolicyError

CACHE_NAMES = ("cache", "past_key_values")
"""What ``forward`` and its output call the cache: the first since 5.24, the second before."""
PLAIN_LAYERS = {"DynamicLayer", "DynamicSlidingWindowLayer", "DummyLayer"}
"""Layers of a cache that keep keys and values of tokens, or nothing; the last came after 5.17."""


@cache
def cache_name(architecture: Any) -> str | None:
    """Return the keyword by which an architecture, a class, takes its key-value cache.

    Relies on the keyword standing in the signature of ``forward``; None where none does.
    """
    known = inspect.signature(architecture.forward).parameters
    return next((name for name in CACHE_NAMES if name in known), None)


def cache_of(output: Any) -> Any:
    """Return the key-value cache in an output; relies on the same names."""
    return next(output[name] for name in CACHE_NAMES if name in output)


def odd_layers(kept: Any) -> list[str]:
    """Return the classes of a cache's layers that keep anything but keys and values of tokens.

    Relies on the names of the three kinds that keep these, and on another name for all else.
    """
    return sorted({type(layer).__name__ for layer in kept.layers} - PLAIN_LAYERS)


def copy_cache(kept: Any) -> Any:
    """Return a cache with layers of its own and the same tensors.

    Relies on ``Cache.layers`` and on layers keeping all they hold as attributes.
    """
    copied = copy.copy(kept)
    copied.layers = [copy.copy(layer) for layer in kept.layers]
    return copied


def detach_cache(kept: Any) -> Any:
    """Return a copy of a cache without its graph; relies on the same."""
    copied = copy_cache(kept)
    for layer in copied.layers:
        for name, value in vars(layer).items():
            if isinstance(value, Tensor):
                setattr(layer, name, value.detach())
    return copied


def preallocate(kept: Any, room: int) -> None:
    """Give every plain layer of a cache memory for more tokens; others, such as windows, stay.

    Relies on ``Cache.layers`` being a list that takes layers of other classes.

    Args:
        kept: A cache that holds prompts; changed in place.
        room: Tokens that will follow at most.
    """
    from transformers.cache_utils import DynamicLayer

    made = _preallocated_layer()
    for place, layer in enumerate(kept.layers):
        if type(layer) is DynamicLayer and layer.get_seq_length() > 0:
            kept.layers[place] = made(layer, room)


def fix_length(kept: Any, where: Tensor) -> None:
    """Let a cache with memory of its own show all of it; a mask must hide what is not written.

    Args:
        kept: A cache behind `preallocate`; changed in place.
        where: The place of the next token, on the device. ``[1]`` int64

    Raises:
        PolicyError: A layer has no such memory.
    """
    made = _preallocated_layer()
    if odd := sorted({type(each).__name__ for each in kept.layers if not isinstance(each, made)}):
        raise PolicyError(f"A cache with layers {odd} has no fixed length; leave `cuda_graph` out.")
    for layer in kept.layers:
        layer.where = where


@cache
def _preallocated_layer() -> Any:
    """Return the class of layers whose memory is as long as it will ever be.

    transformers' own layer concatenates: each token copies a whole cache. This one writes
    in place, so it takes no gradient. Relies on the methods of ``DynamicLayer``, a documented one,
    and on ``update`` returning all keys and values so far. ``StaticCache``, the public way, returns
    the unwritten memory too, and cannot drop the rows that have ended.
    """
    from transformers.cache_utils import DynamicLayer

    class PreallocatedLayer(DynamicLayer):  # type: ignore[misc]  # an untyped base
        _layer_type = None  # transformers makes its own layers by type, never this one

        def __init__(self, layer: Any, room: int) -> None:
            super().__init__()
            self.lazy_initialization(layer.keys, layer.values)
            self.length = layer.keys.shape[-2]
            self.where: Tensor | None = None
            self.memory = tuple(
                nn.functional.pad(kept, (0, 0, 0, room)) for kept in (layer.keys, layer.values)
            )
            self._show()

        def _show(self) -> None:
            """Let keys and values be the part of the memory that is filled."""
            self.keys, self.values = (part[:, :, : self.length] for part in self.memory)

        def update(
            self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any
        ) -> tuple[Tensor, Tensor]:
            """Write behind what is there and return all of it."""
            if self.where is not None:
                for part, new in zip(self.memory, (key_states, value_states), strict=True):
                    part.index_copy_(2, self.where, new)
                return self.memory[0], self.memory[1]
            more = key_states.shape[-2]
            for part, new in zip(self.memory, (key_states, value_states), strict=True):
                part.narrow(2, self.length, more).copy_(new)  # a slice would swallow the excess
            self.length += more
            self._show()
            return self.keys, self.values

        def batch_select_indices(self, indices: Tensor) -> None:
            """Keep some rows, with their memory."""
            self.memory = tuple(part[indices] for part in self.memory)
            self._show()

    return PreallocatedLayer

"""A key-value cache with room for a response, so that no token copies what stands before it."""

from typing import Any

from torch import Tensor, nn
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # an untyped base
    """Keys and values of one layer in memory that is as long as they will ever be.

    transformers' own layer concatenates, which copies a whole cache for each token. This one writes
    in place, so it takes no gradient.

    Args:
        layer: What stands there already.
        room: Tokens that will follow at most.
    """

    _layer_type = None  # transformers makes its own layers by type, never this one

    def __init__(self, layer: Any, room: int) -> None:
        super().__init__()
        self.lazy_initialization(layer.keys, layer.values)
        self.length = layer.keys.shape[-2]
        self.memory = tuple(
            nn.functional.pad(kept, (0, 0, 0, room)) for kept in (layer.keys, layer.values)
        )
        self._show()

    def _show(self) -> None:
        """Let keys and values be the part of the memory that is filled."""
        self.keys, self.values = (part[:, :, : self.length] for part in self.memory)

    def update(
        self, key_states: Tensor, value_states: Tensor, *others: Any
    ) -> tuple[Tensor, Tensor]:
        """Write behind what is there and return all of it."""
        more = key_states.shape[-2]
        for part, new in zip(self.memory, (key_states, value_states), strict=True):
            part.narrow(2, self.length, more).copy_(new)  # a slice would swallow what is too long
        self.length += more
        self._show()
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows, with their room."""
        self.memory = tuple(part[indices] for part in self.memory)
        self._show()


def make_room(cache: Any, room: int) -> None:
    """Give every plain layer of a cache room for more tokens; others, such as windows, stay."""
    for place, layer in enumerate(cache.layers):
        if type(layer) is DynamicLayer and layer.get_seq_length() > 0:
            cache.layers[place] = RoomyLayer(layer, room)

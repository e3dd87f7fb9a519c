"""A Whisper tower on the frames of the clips, not on its whole window: exact, and much cheaper.

A tower with a window of 30 s computes 1500 positions for a clip of 3 s and masks nine tenths of
them. Attention to masked frames has weight 0, and what a masked frame says is thrown away, so
leaving them out changes rounding only. Some frames of the padding stay, since the convolutions look
at neighbors.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from emolit.compat.torch import replaced_weight
from emolit.compat.transformers import overridden_setting

MARGIN = 4
"""Mel frames of padding that stay behind the longest clip."""
STEP = 4
"""Mel frames that become one feature: two by a convolution, two by pooling."""


def crop(features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return features and mask without the padding that no clip of the batch needs.

    Args:
        features: Mel features. ``[B, mels, frames]``
        mask: 1 on frames of a clip. ``[B, frames]``
    """
    needed = int(mask.sum(-1).max()) + MARGIN
    length = min(mask.shape[-1], -(-needed // STEP) * STEP)
    return features[..., :length], mask[..., :length]


class Window:
    """Lets a tower take fewer frames than its window: it uses the front of its position table.

    Args:
        tower: Has ``embed_positions``, ``conv1``, ``conv2`` and ``config.max_source_positions``.
    """

    def __init__(self, tower: Any) -> None:
        self.tower = tower
        self.speak: Callable[..., Any] = tower.forward
        self.stride = tower.conv1.stride[0] * tower.conv2.stride[0]

    def __call__(self, features: Tensor, *given: Any, **named: Any) -> Any:
        """Run the tower on as many positions as there are frames for."""
        with narrow_window(self.tower, features.shape[-1] // self.stride):
            return self.speak(features, *given, **named)


@contextmanager
def narrow_window(tower: Any, positions: int) -> Iterator[None]:
    """Make a tower's window shorter while the block runs; its weights are untouched."""
    table = tower.embed_positions
    with (
        replaced_weight(table, "weight", table.weight[:positions]),
        overridden_setting(table, "num_embeddings", positions),
        overridden_setting(tower.config, "max_source_positions", positions),
    ):
        yield

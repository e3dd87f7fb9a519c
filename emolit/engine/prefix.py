"""Prompts, encoded and prefilled once, then shared by all their responses."""

import copy
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from emolit.engine.head import without


@dataclass(frozen=True)
class Prefix:
    """Keys and values of B prompts and what continues them.

    Attributes:
        cache: A transformers cache with B rows.
        mask: True on prompt tokens, False on left padding. ``[B, P]``
        last: Hidden state of the last prompt token, which predicts the first response token.
            ``[B, H]``
        next_position: Position of the first response token. ``[B]`` int64
    """

    cache: Any
    mask: Tensor
    last: Tensor
    next_position: Tensor

    def expanded(self, repeats: int) -> "Prefix":
        """Return G rows a prompt, clip-major; differentiable, and this prefix stays as it is."""
        cache = copy.copy(self.cache)
        cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        cache.batch_repeat_interleave(repeats)
        return Prefix(
            cache,
            self.mask.repeat_interleave(repeats, dim=0),
            self.last.repeat_interleave(repeats, dim=0),
            self.next_position.repeat_interleave(repeats),
        )

    def rows(self, kept: Tensor) -> "Prefix":
        """Return the rows named by indices ``kept``; the cache is cut in place."""
        self.cache.batch_select_indices(kept)
        return Prefix(self.cache, self.mask[kept], self.last[kept], self.next_position[kept])


def positions(mask: Tensor) -> Tensor:
    """Return positions that start at 0 on the first unpadded token. ``[B, P]`` int64.

    Example:
        >>> import torch
        >>> positions(torch.tensor([[0, 0, 1, 1]]))
        tensor([[0, 0, 0, 1]])
    """
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def prefill(model: nn.Module, head: nn.Module, inputs: dict[str, Tensor]) -> Prefix:
    """Run the prompts through the model once, with gradients if they are on.

    Args:
        model: A transformers model for conditional generation.
        head: Its language-model head.
        inputs: What the processor made: ``input_ids`` and ``attention_mask`` ``[B, P]``,
            left-padded, and the audio.
    """
    mask = inputs["attention_mask"].bool()
    where = positions(mask)
    with without(head):
        output = model(**inputs, position_ids=where, use_cache=True)
    return Prefix(output.past_key_values, mask, output.logits[:, -1], where[:, -1] + 1)

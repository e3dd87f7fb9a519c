"""Prompts, encoded and prefilled once, then shared by all their responses."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from emolit.compat.transformers_cache import cache_of, copy_cache, detach_cache, preallocate
from emolit.engine.model import LanguageModel


@dataclass(frozen=True)
class EncodedPrompts:
    """What a network takes of B prompts.

    Attributes:
        inputs: What the processor made: ``input_ids`` and ``attention_mask`` ``[B, P]``,
            left-padded, and the audio in the network's own layout.
        positions: Of the prompt tokens. ``[B, P]``, or ``[A, B, P]`` where positions have A axes.
    """

    inputs: dict[str, Tensor]
    positions: Tensor

    @property
    def mask(self) -> Tensor:
        """True on prompt tokens, False on left padding. ``[B, P]``."""
        return self.inputs["attention_mask"].bool()

    @property
    def next_position(self) -> Tensor:
        """Position of the first response token, on all axes. ``[B]`` int64."""
        largest = self.positions.amax(-1)
        return (largest.amax(0) if largest.dim() > 1 else largest) + 1

    @property
    def axes(self) -> tuple[int, ...]:
        """Leading shape of positions: ``()``, or ``(A,)`` where they have A axes."""
        return tuple(self.positions.shape[:-2])

    def response_positions(self, length: int) -> Tensor:
        """Return the positions of responses. ``[B, T]`` or ``[A, B, T]``."""
        return next_positions(self.next_position, self.axes, 0, length)


@dataclass(frozen=True)
class Prefix:
    """Keys and values of B prompts and what continues them.

    Attributes:
        cache: A transformers cache with B rows.
        mask: True on prompt tokens, False on left padding. ``[B, P]``
        last: Hidden state of the last prompt token, which predicts the first response token.
            ``[B, H]``
        next_position: Position of the first response token. ``[B]`` int64
        axes: Leading shape of positions: ``()``, or ``(A,)`` where they have A axes.
    """

    cache: Any
    mask: Tensor
    last: Tensor
    next_position: Tensor
    axes: tuple[int, ...] = ()

    def expand(self, repeats: int) -> "Prefix":
        """Return G rows a prompt, clip-major; differentiable, and this prefix stays as it is."""
        cache = copy_cache(self.cache)
        cache.batch_repeat_interleave(repeats)
        return replace(
            self,
            cache=cache,
            mask=self.mask.repeat_interleave(repeats, dim=0),
            last=self.last.repeat_interleave(repeats, dim=0),
            next_position=self.next_position.repeat_interleave(repeats),
        )

    def detach(self) -> "Prefix":
        """Return the same without its graph, for sampling; this prefix stays as it is."""
        return replace(self, cache=detach_cache(self.cache), last=self.last.detach())

    def preallocate(self, length: int) -> "Prefix":
        """Give the cache room for responses of so many tokens, without gradients; in place."""
        preallocate(self.cache, length)
        return self

    def rows(self, kept: Tensor) -> "Prefix":
        """Return the rows named by indices ``kept``; the cache is cut in place."""
        self.cache.batch_select_indices(kept)
        return replace(
            self, mask=self.mask[kept], last=self.last[kept], next_position=self.next_position[kept]
        )

    def positions(self, start: int, length: int) -> Tensor:
        """Return positions of response tokens. ``[N, length]`` or ``[A, N, length]``."""
        return next_positions(self.next_position, self.axes, start, length)


def next_positions(first: Tensor, axes: tuple[int, ...], start: int, length: int) -> Tensor:
    """Return positions of response tokens, the same on all axes.

    Args:
        first: Position of each row's first response token. ``[N]``
        axes: Leading shape of positions: ``()`` or ``(A,)``.
        start: The response token to begin with.
        length: How many tokens.

    Returns:
        ``[N, length]`` or ``[A, N, length]``.
    """
    steps = torch.arange(start, start + length, device=first.device)
    return (first.unsqueeze(-1) + steps).expand(*axes, -1, -1)


def positions(mask: Tensor) -> Tensor:
    """Return positions that start at 0 on the first unpadded token. ``[B, P]`` int64.

    Example:
        >>> import torch
        >>> positions(torch.tensor([[0, 0, 1, 1]]))
        tensor([[0, 0, 0, 1]])
    """
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def prefill(model: LanguageModel, encoded: EncodedPrompts) -> Prefix:
    """Run the prompts through the network once, with gradients if they are on."""
    output = model.forward(**encoded.inputs, position_ids=encoded.positions, use_cache=True)
    return Prefix(
        cache=cache_of(output),
        mask=encoded.mask,
        last=output.logits[:, -1],
        next_position=encoded.next_position,
        axes=encoded.axes,
    )

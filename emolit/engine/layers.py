"""Kinds of layers: which let responses share a prompt, and which may stand in packed rows."""

import inspect
from typing import Any

from emolit.compat.transformers_cache import cache_name, odd_layers
from emolit.errors import PolicyError

FULL, SLIDING, CHUNKED = "full_attention", "sliding_attention", "chunked_attention"
"""What transformers calls layers that keep keys and values: of all tokens, or of the last few."""
ATTENTION = "attention"
"""The same in the lists of ``layers_block_type``, as RecurrentGemma has it in 5.17."""
SHARED = {FULL, SLIDING, CHUNKED, ATTENTION}
"""Layers behind whose cache any number of tokens may follow, for any number of responses."""
PACKED = {FULL, SLIDING}
"""Layers whose mask of a packed row is known."""


def kinds(config: Any) -> set[str]:
    """Return the kinds of layers that a network's language model has, as transformers names them.

    Args:
        config: Of the network. One that names no kinds has one, which follows from its window.
    """
    text = config.get_text_config()
    named = getattr(text, "layer_types", None) or getattr(text, "layers_block_type", None)
    if named:
        return set(named)
    if getattr(text, "sliding_window", None) is not None:
        return {SLIDING}
    return {FULL} if getattr(text, "attention_chunk_size", None) is None else {CHUNKED}


def packs(network: Any) -> bool:
    """Tell whether many responses may stand in one row: kinds and positions must be known."""
    named = "position_ids" in inspect.signature(network.forward).parameters
    return named and kinds(network.config) <= PACKED


def check_layers(network: Any, source: str) -> None:
    """Refuse a network some of whose layers keep anything but keys and values.

    A state that is carried along (linear attention, Mamba, convolutions) cannot be cut to the rows
    that go on, and transformers reads several tokens behind it in ways that were wrong before.

    Args:
        network: The transformers model.
        source: What it was loaded from.

    Raises:
        PolicyError: It has such layers, or no cache at all.
    """
    odd = sorted(kinds(network.config) - SHARED)
    if odd:
        raise PolicyError(
            f"The language model of {source!r} has layers of the kind {odd[0]!r}, behind which "
            f"responses cannot share a prompt; choose one that has only {sorted(SHARED)}."
        )
    if cache_name(network.__class__) is None:
        raise PolicyError(
            f"{type(network).__name__} of {source!r} takes no cache of keys and values, which "
            "sampling needs; choose a language model that has attention only."
        )


def check_cache(cache: Any, source: str) -> None:
    """Refuse a cache, as a network has filled it, that responses cannot go on behind.

    Raises:
        PolicyError: There is none, as in encoders, or one of its layers keeps something else.
    """
    odd = odd_layers(cache) if cache is not None else []
    if odd or cache is None or not cache.layers:
        raise PolicyError(
            f"{source!r} keeps {odd or 'no'} keys and values of a prompt, behind which responses "
            "cannot go on; choose a causal language model that has attention only."
        )

"""A look at a network before it is trusted: does it hear, and is its head its last operation."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from emolit.compat.transformers import version
from emolit.compat.transformers_cache import cache_of
from emolit.engine.layers import check_cache
from emolit.engine.model import LanguageModel
from emolit.engine.prefix import EncodedPrompts
from emolit.errors import PolicyError

TOLERANCE = 0.05
"""Largest difference, as a share of the largest logit: bfloat16 rounds to about 0.01."""


@torch.no_grad()
def check_network(
    model: LanguageModel, encoded: EncodedPrompts, source: str, hears: bool = True
) -> None:
    """Run the first prompts three times and compare.

    Args:
        model: The network.
        encoded: Any prompts.
        source: What the network was loaded from.
        hears: Whether the prompts have audio, which must then change something.

    Raises:
        PolicyError: Logits are not numbers, or not what the head makes of hidden states, or silence
            instead of the audio changes nothing, or the prompt's audio tokens and the tower's
            features differ in number, or the cache is one that responses cannot share.
    """
    under = f"under transformers {version()}"
    where = {"position_ids": encoded.positions}
    try:
        with last_only(model.head):
            whole = model.network(**encoded.inputs, **where, use_cache=False).logits[:, -1]
    except torch.OutOfMemoryError:  # a RuntimeError, but no fault of the network
        raise
    except (ValueError, RuntimeError, IndexError) as error:
        raise PolicyError(
            f"{source!r} cannot read its own processor's prompts {under} ({error}); if audio "
            "tokens and features differ in number, override `process` in the policy."
        ) from error
    output = model.forward(**encoded.inputs, **where, use_cache=True)
    check_cache(cache_of(output), source)
    hidden = output.logits[:, -1]
    if not (whole.isfinite().all() and hidden.isfinite().all()):
        raise PolicyError(
            f"{source!r} makes logits that are no finite numbers {under}: its weights or the "
            "audio of the first clips hold NaN or infinity. Take another checkpoint, or look at "
            "these clips."
        )
    apart = (model.logits(hidden) - whole).abs().max()
    if apart > TOLERANCE * whole.abs().max():
        raise PolicyError(
            f"The logits of {source!r} are not what its head makes of its hidden states {under}: "
            f"they differ by {apart:.3g}. Its architecture does more behind the head; it needs a "
            "policy of its own."
        )
    if not hears:
        return
    silent = model.forward(**silence(encoded.inputs), **where, use_cache=False).logits[:, -1]
    if torch.equal(silent, hidden):
        raise PolicyError(
            f"{source!r} says the same with and without the audio {under}: the audio does not "
            "reach it. Look at `conversation` and `process` of its policy."
        )


@contextmanager
def last_only(head: nn.Module) -> Iterator[None]:
    """Let a head see the last position alone: logits of whole prompts would take gigabytes."""
    hook = head.register_forward_pre_hook(lambda _, given: (given[0][:, -1:], *given[1:]))
    try:
        yield
    finally:
        hook.remove()


def silence(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the same prompts with features of 0 instead of the audio."""
    return {
        name: torch.zeros_like(value) if value.is_floating_point() else value
        for name, value in inputs.items()
    }

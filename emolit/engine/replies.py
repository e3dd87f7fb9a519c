"""Replies as text and as tokens."""

from typing import Any

import torch
from torch import Tensor

from emolit.errors import PolicyError
from emolit.types import Batch, Rollout, Sampling

TAIL = 16
"""Tokens that are decoded to look for a stop string."""


def stopped(tokenizer: Any, rows: Tensor, stop: tuple[str, ...]) -> Tensor:
    """Tell which token rows have a stop string, text behind it in the same token included.

    Args:
        tokenizer: Decodes.
        rows: ``[N, T]``
        stop: Strings that end a reply.

    Returns:
        ``[N]`` boolean.
    """
    if not stop:
        return torch.zeros(len(rows), dtype=torch.bool, device=rows.device)
    tails = tokenizer.batch_decode(rows[:, -TAIL:])
    ended = [any(end in text for end in stop) for text in tails]
    return torch.tensor(ended, device=rows.device)


def decoded(tokenizer: Any, tokens: Tensor, mask: Tensor) -> list[str]:
    """Return the text of each response ``[N, T]`` without special tokens."""
    return [
        tokenizer.decode(row[kept].tolist(), skip_special_tokens=True)
        for row, kept in zip(tokens, mask, strict=True)
    ]


def imitation(tokenizer: Any, batch: Batch, device: torch.device) -> Rollout:
    """Return the target replies, each followed by the end token, as one response a prompt.

    Raises:
        PolicyError: A clip has no target.
    """
    texts = []
    for clip, target in zip(batch.clips, batch.targets, strict=True):
        if target is None:
            raise PolicyError(
                f"The clip {clip.id!r} of {clip.corpus!r} has no reply to imitate: it lacks what "
                "the prompt makes one of, such as a label, or reasoning in the prompt's "
                "`thoughts`. Leave it out of supervised finetuning, or give it that."
            )
        texts.append(target)
    rows = [
        [*tokenizer.encode(text, add_special_tokens=False), tokenizer.eos_token_id]
        for text in texts
    ]
    length = max(map(len, rows))
    tokens = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    mask = torch.arange(length) < torch.tensor([[len(row)] for row in rows])
    tokens, mask = tokens.to(device), mask.to(device)
    return Rollout(
        batch=batch,
        tokens=tokens.unsqueeze(1),
        mask=mask.unsqueeze(1),
        behavior=torch.zeros_like(tokens, dtype=torch.float32).unsqueeze(1),
        finished=torch.ones(len(rows), 1, dtype=torch.bool, device=device),
        responses=tuple((text,) for text in texts),
        sampling=Sampling(max_tokens=length),
    )

"""Replies as text and as tokens."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from emolit.errors import PolicyError
from emolit.types import Batch, Rollout, Sampling

TAIL = 16
"""Tokens that are decoded to look for a stop string."""


def find_stop_strings(tokenizer: Any, rows: Tensor, stop: tuple[str, ...]) -> Tensor:
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


def decode_responses(
    tokenizer: Any, tokens: Tensor, mask: Tensor, begun: Sequence[str] = ()
) -> list[str]:
    """Return the text of each response ``[N, T]`` without special tokens.

    Args:
        tokenizer: Decodes.
        tokens: ``[N, T]``
        mask: True on response tokens. ``[N, T]``
        begun: What was given of each, in front; empty where nothing was.
    """
    return [
        start + tokenizer.decode(row[kept].tolist(), skip_special_tokens=True)
        for start, row, kept in zip(begun or [""] * len(tokens), tokens, mask, strict=True)
    ]


def encode_targets(tokenizer: Any, end: int, batch: Batch, device: torch.device) -> Rollout:
    """Return the target replies, each followed by the end token, as one response a prompt.

    Args:
        tokenizer: Encodes.
        end: The token that ends a reply.
        batch: B prompts with targets; what is given of a reply is not part of it.
        device: Where the tokens shall lie.

    Raises:
        PolicyError: A clip has no target.
    """
    texts = []
    for clip, target in zip(batch.clips, batch.targets, strict=True):
        if target is None:
            raise PolicyError(
                f"The clip {clip.id!r} of {clip.corpus!r} has no reply to imitate: it lacks what "
                "the prompt makes one of, such as a label, ratings, or reasoning in the prompt's "
                "`rationales`. Leave it out of the training, or give it that."
            )
        texts.append(target)
    for index, start in enumerate(batch.begun):
        texts[index] = texts[index].removeprefix(start)
    rows = [[*_tokens(tokenizer, text), end] for text in texts]
    sampling = Sampling(max_tokens=max(map(len, rows)))
    return _rollout(batch, [(text,) for text in texts], rows, sampling, device)


def encode_responses(
    tokenizer: Any,
    end: int,
    batch: Batch,
    replies: Sequence[tuple[str, ...]],
    sampling: Sampling,
    device: torch.device,
) -> Rollout:
    """Return given replies as G responses a prompt.

    A reply ends as a sampled one would: by a stop string where it ends in one, else by the end
    token.

    Args:
        tokenizer: Encodes.
        end: The token that ends a reply.
        batch: B prompts.
        replies: G for each prompt.
        sampling: How they are scored; its stop strings.
        device: Where the tokens shall lie.
    """
    rows = [
        _tokens(tokenizer, text) + ([] if text.endswith(sampling.stop) else [end])
        for group in replies
        for text in group
    ]
    return _rollout(batch, replies, rows, sampling, device)


def _tokens(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False))


def _rollout(
    batch: Batch,
    replies: Sequence[tuple[str, ...]],
    rows: list[list[int]],
    sampling: Sampling,
    device: torch.device,
) -> Rollout:
    """Return token rows, clip-major and right-padded, as responses that nobody has drawn."""
    length, shape = max(map(len, rows)), (len(batch), -1)
    tokens = torch.tensor([row + [0] * (length - len(row)) for row in rows], device=device)
    mask = torch.arange(length) < torch.tensor([[len(row)] for row in rows])
    tokens, mask = tokens.view(*shape, length), mask.to(device).view(*shape, length)
    return Rollout(
        batch=batch,
        tokens=tokens,
        mask=mask,
        behavior=torch.zeros_like(tokens, dtype=torch.float32),
        finished=torch.ones_like(mask[:, :, 0]),
        responses=tuple(replies),
        sampling=sampling,
    )

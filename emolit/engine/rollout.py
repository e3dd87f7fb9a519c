"""Sampling G responses a prompt on a shared prefix; finished rows leave the batch."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from emolit.engine.head import without
from emolit.engine.prefix import Prefix
from emolit.functional import selective_log_softmax, warp
from emolit.types import Sampling


@dataclass(frozen=True)
class Drawn:
    """Sampled rows: ``tokens``, ``mask`` and ``behavior`` are ``[N, T]``, ``finished`` ``[N]``."""

    tokens: Tensor
    mask: Tensor
    behavior: Tensor
    finished: Tensor


def streams(seed: int, step: int, clips: Sequence[str], group: int, length: int) -> Tensor:
    """Return the uniform numbers that rows draw their tokens with.

    Row g of a clip has its own stream, a pure function of (seed, step, clip, g), so that a result
    does not depend on batch layout, on other rows, or on the number of processes.

    Args:
        seed: Of the run.
        step: Optimizer step; a clip that stands twice in one step draws the same responses.
        clips: One key a clip, unique over corpora.
        group: G.
        length: Numbers a row, the longest response.

    Returns:
        ``[len(clips) * G, length]`` float64 in [0, 1), clip-major.
    """
    rows = []
    for clip in clips:
        for row in range(group):
            key = hashlib.sha256(f"{seed}\n{step}\n{clip}\n{row}".encode()).digest()
            words = np.frombuffer(key[:16], dtype=np.uint64)
            rows.append(np.random.Generator(np.random.Philox(key=words)).random(length))
    return torch.from_numpy(np.stack(rows))


def draw(logits: Tensor, uniform: Tensor, greedy: bool) -> Tensor:
    """Draw one token a row by inverting the cumulative distribution.

    Args:
        logits: Warped, -inf where forbidden. ``[N, V]``
        uniform: ``[N]`` float64 in [0, 1).
        greedy: Take the most likely token instead.

    Returns:
        ``[N]`` int64; a token of probability 0 is never drawn.
    """
    if greedy:
        return logits.argmax(-1)
    cumulative = logits.double().softmax(-1).cumsum(-1)
    target = (uniform.to(cumulative.device) * cumulative[:, -1]).unsqueeze(-1)
    return torch.searchsorted(cumulative, target, right=True).squeeze(-1)


@torch.no_grad()
def generate(
    model: nn.Module,
    head: nn.Module,
    prefix: Prefix,
    sampling: Sampling,
    forbidden: Tensor,
    ends: Tensor,
    stops: Callable[[Tensor], Tensor],
    uniform: Tensor,
) -> Drawn:
    """Sample one response behind each row of a prefix.

    Args:
        model: A transformers model.
        head: Its language-model head.
        prefix: N rows; used up.
        sampling: Temperature and limits.
        forbidden: Token ids that are never drawn. ``[F]``
        ends: Token ids that end a response. ``[E]``
        stops: Tells for token rows ``[n, t]`` which of them end with a stop string. ``[n]``
        uniform: One stream a row. ``[N, max_tokens]``
    """
    rows = prefix.mask.shape[0]
    device = prefix.last.device
    tokens = torch.zeros(rows, sampling.max_tokens, dtype=torch.long, device=device)
    behavior = torch.zeros(rows, sampling.max_tokens, device=device)
    length = torch.full((rows,), sampling.max_tokens, dtype=torch.long, device=device)
    finished = torch.zeros(rows, dtype=torch.bool, device=device)
    active = torch.arange(rows, device=device)
    hidden, mask = prefix.last, prefix.mask.long()
    for t in range(sampling.max_tokens):
        logits = warp(head(hidden), forbidden, sampling.temperature, sampling.top_p, sampling.top_k)
        drawn = draw(logits, uniform[active.cpu(), t], sampling.temperature == 0)
        tokens[active, t] = drawn
        behavior[active, t] = selective_log_softmax(logits, drawn)
        done = torch.isin(drawn, ends) | stops(tokens[active, : t + 1])
        length[active[done]] = t + 1
        finished[active[done]] = True
        kept = (~done).nonzero().squeeze(-1)
        if len(kept) == 0 or t + 1 == sampling.max_tokens:
            break
        if len(kept) < len(active):
            active, prefix, mask = active[kept], prefix.rows(kept), mask[kept]
        mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
        with without(head):
            output = model(
                input_ids=drawn[kept].unsqueeze(-1),
                attention_mask=mask,
                position_ids=(prefix.next_position + t).unsqueeze(-1),
                past_key_values=prefix.cache,
                use_cache=True,
            )
        hidden = output.logits[:, -1]
    longest = int(length.max())
    kept_mask = torch.arange(longest, device=device) < length.unsqueeze(-1)
    return Drawn(tokens[:, :longest], kept_mask, behavior[:, :longest], finished)

"""The head on response positions only, a chunk at a time."""

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from emolit.engine.model import LanguageModel
from emolit.rl.functional import selective_log_softmax, unpack, warp

CHUNK = {"cpu": 2**21, "cuda": 2**27}
"""Logits that exist at once: 8 MiB of float32 on a CPU, 512 MiB on a GPU."""


def token_logprobs(
    model: LanguageModel,
    hidden: Tensor,
    tokens: Tensor,
    mask: Tensor,
    temperature: float,
    support: Tensor | None = None,
) -> Tensor:
    """Return the log-probability of each response token, as sampling would have drawn it.

    Only positions under the mask pass through the head, and never all at once: a chunk's logits
    are made again for the gradient instead of being kept.

    Args:
        model: With its head and the tokens that are never drawn.
        hidden: States that predict the tokens. ``[N, T, H]``
        tokens: ``[N, T]`` int64
        mask: ``[N, T]`` boolean
        temperature: Divides the logits.
        support: Tokens that could be drawn at each position, packed. ``[N, T, ceil(V / 8)]``;
            None is all.

    Returns:
        ``[N, T]`` float32, 0 where masked out.
    """
    states, wanted = hidden[mask], tokens[mask]
    kept = None if support is None else support[mask]
    width = getattr(model.head, "out_features", None) or model.logits(states[:1]).shape[-1]
    rows = max(1, CHUNK.get(states.device.type, CHUNK["cuda"]) // width)

    def score_rows(part: Tensor, ids: Tensor, packed: Tensor | None) -> Tensor:
        logits = warp(model.logits(part), model.forbidden, temperature)
        if packed is not None:
            logits = logits.masked_fill(~unpack(packed, logits.shape[-1]), float("-inf"))
        return selective_log_softmax(logits, ids)

    if len(states) <= rows:
        logprobs = score_rows(states, wanted, kept)
    else:
        parts = [
            checkpoint(
                score_rows,
                states[start : start + rows],
                wanted[start : start + rows],
                None if kept is None else kept[start : start + rows],
                use_reentrant=False,
                preserve_rng_state=False,
            )
            for start in range(0, len(states), rows)
        ]
        logprobs = torch.cat(parts)
    return logprobs.new_zeros(tokens.shape).masked_scatter(mask, logprobs)

"""Who sees whom where many responses stand in one row, also in layers that see a window only."""

from typing import Any

import torch
from torch import Tensor

from emolit.engine.layers import FULL, SLIDING, kinds, packs


def blocks(prompt: Tensor, responses: Tensor) -> Tensor:
    """Return who sees whom in a packed row. ``[B, P + G T, P + G T]`` boolean.

    Padding sees itself, too: a row that sees nobody has no softmax, and some kernels return NaN.
    Nobody else sees it.

    Args:
        prompt: True on prompt tokens. ``[B, P]``
        responses: True on response tokens. ``[B, G, T]``

    Example:
        >>> import torch
        >>> prompt, responses = torch.ones(1, 1).bool(), torch.ones(1, 2, 1).bool()
        >>> blocks(prompt, responses)[0].int().tolist()
        [[1, 0, 0], [1, 1, 0], [1, 0, 1]]
    """
    return _packed(torch.cat([prompt, responses.flatten(1)], dim=1), _owners(prompt, responses))


def branching_blocks(prompt: Tensor, responses: Tensor, tails: Tensor, start: Tensor) -> Tensor:
    """Return who sees whom where tails go on behind the beginning of responses; as `blocks`.

    Args:
        prompt: True on prompt tokens. ``[B, P]``
        responses: True on response tokens. ``[B, G, T]``
        tails: True on their tokens; those of a response stand together. ``[B, G * K, L]``
        start: Tokens of a response that its tails see. ``[B, G]``

    Example:
        >>> import torch
        >>> prompt, two, tail = (torch.ones(1, *size).bool() for size in [(1,), (1, 2), (1, 1)])
        >>> branching_blocks(prompt, two, tail, torch.tensor([[1]]))[0, -1].int().tolist()
        [1, 1, 0, 1]
    """
    before = prompt.shape[1] + responses[0].numel()
    real = torch.cat([prompt, responses.flatten(1), tails.flatten(1)], dim=1)
    told = _owners(prompt, responses)
    seen = _packed(real, torch.cat([told, told[-1] + _owners(prompt[:, :0], tails)]))
    length, parts = responses.shape[2], tails.shape[1] // responses.shape[1] * tails.shape[2]
    begun = (torch.arange(length, device=prompt.device) < start.unsqueeze(-1)) & responses
    for group in range(responses.shape[1]):
        mine = slice(prompt.shape[1] + group * length, prompt.shape[1] + (group + 1) * length)
        its = slice(before + group * parts, before + (group + 1) * parts)
        seen[:, its, mine] = begun[:, group].unsqueeze(1)
    return seen


def _owners(prompt: Tensor, responses: Tensor) -> Tensor:
    """Return whose each token of a packed row is: 0 the prompt's, from 1 the responses'."""
    group, length = responses.shape[1:]
    owner = torch.arange(group, device=prompt.device).repeat_interleave(length) + 1
    return torch.cat([owner.new_zeros(prompt.shape[1]), owner])


def _packed(real: Tensor, owner: Tensor) -> Tensor:
    """Return who sees whom: the prompt and oneself, and what comes before. ``[B, N, N]``."""
    order = torch.arange(len(owner), device=real.device)
    causal = order.unsqueeze(-1) >= order
    own = (owner.unsqueeze(-1) == owner) | (owner == 0)
    return (causal & own & real.unsqueeze(1)) | (order.unsqueeze(-1) == order)


def layer_masks(
    seen: Tensor, positions: Tensor, config: Any, dtype: torch.dtype
) -> Tensor | dict[str, Tensor]:
    """Return what a network adds to its attention: one mask, or one for each kind of layer.

    Transformers narrows a mask that it makes itself, but takes one that it is given as it is. In
    a packed row tokens near each other by position may stand far apart, so windows are counted in
    positions.

    Args:
        seen: Who sees whom. ``[N, L, L]`` boolean
        positions: Of the tokens. ``[N, L]``, or ``[A, N, L]``, whose first axis is time.
        config: Of the network, all of whose layers are of a kind in ``PACKED``; ``sliding_window``
            tokens, itself included, are what a token of a sliding layer sees.
        dtype: Of the network.

    Returns:
        0 where seen and the lowest number elsewhere. ``[N, 1, L, L]``
    """
    text = config.get_text_config()
    window = getattr(text, "sliding_window", None)
    known = kinds(config)
    whole = additive(seen, dtype)
    if window is None or SLIDING not in known:
        return whole
    time = positions if positions.dim() == 2 else positions[0]
    near = additive(seen & (time.unsqueeze(-1) - time.unsqueeze(-2) < window), dtype)
    return near if len(known) == 1 else dict.fromkeys(known, whole) | {SLIDING: near}


def decoding_mask(prompt: Tensor, length: int, network: Any) -> Tensor | None:
    """Return what responses see that are decoded token by token, made once for all tokens.

    Where no prompt is padded there is nothing to hide. Else transformers would look on the host,
    token by token, whether a mask that it is given as 0 and 1 hides anything.

    Args:
        prompt: True on prompt tokens. ``[N, P]``
        length: Of a response at most, T.
        network: Whose layers may be of several kinds; then transformers makes its masks itself.

    Returns:
        ``[N, 1, 1, P + T]`` to be added, or ``[N, P + T]`` of 0 and 1; the last axis is cut to what
        is there. None hides nothing.
    """
    if bool(prompt.all()):
        return None
    seen = torch.cat([prompt, prompt.new_ones(len(prompt), length)], dim=1)
    if kinds(network.config) == {FULL} and packs(network):
        return additive(seen.unsqueeze(1), network.dtype)
    return seen.long()


def additive(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """Return 0 where seen and the lowest number elsewhere. ``[N, ...]`` -> ``[N, 1, ...]``."""
    return (~seen).to(dtype).mul(torch.finfo(dtype).min).unsqueeze(1)

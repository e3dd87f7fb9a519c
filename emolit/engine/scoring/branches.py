"""Log-probabilities of replies that begin like a response: the beginning is run once, not K times.

A row is ``[prompt | response 1 | … | response G | tail 1 | … | tail G K]``. A tail sees its prompt,
the tokens that it shares with its response, and itself; its positions go on behind these.
"""

from typing import Any

import torch
from torch import Tensor

from emolit.engine.model import LanguageModel
from emolit.engine.prefix import EncodedPrompts, next_positions
from emolit.engine.scoring.head import token_logprobs
from emolit.engine.scoring.masks import branching_blocks, layer_masks
from emolit.types import Rollout


def branch_logprobs(
    model: LanguageModel, encoded: EncodedPrompts, rollout: Rollout, replies: Rollout, start: Tensor
) -> tuple[Tensor, Tensor]:
    """Score G responses, and K replies behind the beginning of each, in one row a prompt.

    Args:
        model: The network, whose layers can stand in packed rows.
        encoded: B prompts.
        rollout: Responses that were drawn from all tokens. ``[B, G, T]``
        replies: Those of a response stand together. ``[B, G * K, T']``
        start: Leading tokens that a response and its replies share. ``[B, G]``

    Returns:
        ``[B, G, T]`` and ``[B, G * K, T']`` float32, 0 where masked out; the second is 0 on what is
        shared, too.
    """
    clips, group, length = rollout.tokens.shape
    options, prompts = replies.group_size // group, encoded.mask.shape[1]
    begun = start.repeat_interleave(options, dim=1)
    place, mask = tails(replies.mask, begun)
    tokens = replies.tokens.gather(2, place)
    inputs: dict[str, Any] = dict(encoded.inputs)
    rows = [inputs["input_ids"], rollout.tokens.flatten(1), tokens.flatten(1)]
    inputs["input_ids"] = torch.cat(rows, dim=1)
    behind = [encoded.response_positions(length)] * group
    first = (encoded.next_position.unsqueeze(-1) + begun).flatten()
    theirs = next_positions(first, encoded.axes, 0, tokens.shape[2])
    where = torch.cat(
        [encoded.positions, *behind, theirs.reshape(*encoded.axes, clips, -1)], dim=-1
    )
    inputs["attention_mask"] = layer_masks(
        branching_blocks(encoded.mask, rollout.mask, mask, start),
        where,
        model.network.config,
        model.network.dtype,
    )
    states = model.forward(**inputs, position_ids=where, use_cache=False).logits
    ends = [prompts, prompts + group * length]
    told = states[:, ends[0] : ends[1]].unflatten(1, (group, length))
    said = states[:, ends[1] :].unflatten(1, (group * options, tokens.shape[2]))
    last = states[:, prompts - 1, None].expand(-1, group, -1).unsqueeze(2)
    known = torch.cat([last, told], dim=2)  # [B, G, 1 + T, H]: the state before each token
    fork = begun.view(clips, group, options, 1).expand(-1, -1, -1, states.shape[-1])
    parting = known.gather(2, fork).flatten(1, 2).unsqueeze(2)

    def score(hidden: Tensor, wanted: Tensor, real: Tensor) -> Tensor:
        flat = hidden.flatten(0, 1), wanted.flatten(0, 1), real.flatten(0, 1)
        return token_logprobs(model, *flat, rollout.sampling.temperature).view(wanted.shape)

    mine = score(known[:, :, :-1], rollout.tokens, rollout.mask)
    found = score(torch.cat([parting, said[:, :, :-1]], dim=2), tokens, mask)
    return mine, found.new_zeros(replies.tokens.shape).scatter_add(2, place, found)


def tails(mask: Tensor, begun: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the tokens of tails stand in their replies, and which are real. ``[B, N, L]``.

    Args:
        mask: True on tokens of replies, which are right-padded. ``[B, N, T']``
        begun: Leading tokens that are left out. ``[B, N]``

    Example:
        >>> import torch
        >>> place, real = tails(torch.tensor([[[True, True, True, False]]]), torch.tensor([[1]]))
        >>> place.tolist(), real.tolist()
        ([[[1, 2]]], [[[True, True]]])
    """
    longest = max(1, int((mask.sum(-1) - begun).max()))
    place = begun.unsqueeze(-1) + torch.arange(longest, device=mask.device)
    inside = place < mask.shape[-1]
    place = place.clamp(max=mask.shape[-1] - 1)
    return place, mask.gather(2, place) & inside

"""Log-probabilities of given tokens, with gradients if they are on."""

import torch
from torch import Tensor, nn

from emolit.engine.head import token_logprobs, without
from emolit.engine.prefix import Prefix, positions, prefill
from emolit.types import Sampling


def continue_prefix(
    model: nn.Module, head: nn.Module, prefix: Prefix, tokens: Tensor, mask: Tensor
) -> Tensor:
    """Return the hidden states that predict each token behind a prefix.

    Args:
        model: A transformers model.
        head: Its language-model head.
        prefix: N rows; its cache grows.
        tokens: Right-padded responses. ``[N, T]``
        mask: True on response tokens. ``[N, T]``

    Returns:
        ``[N, T, H]``; the first is the prefix's own last state.
    """
    first = prefix.last.unsqueeze(1)
    steps = tokens.shape[1] - 1
    if steps == 0:
        return first
    where = prefix.next_position.unsqueeze(1) + torch.arange(steps, device=tokens.device)
    with without(head):
        output = model(
            input_ids=tokens[:, :-1],
            attention_mask=torch.cat([prefix.mask, mask[:, :-1]], dim=1).long(),
            position_ids=where,
            past_key_values=prefix.cache,
            use_cache=True,
        )
    return torch.cat([first, output.logits], dim=1)


def shared_logprobs(
    model: nn.Module,
    head: nn.Module,
    inputs: dict[str, Tensor],
    tokens: Tensor,
    mask: Tensor,
    sampling: Sampling,
    forbidden: Tensor,
) -> Tensor:
    """Score G responses a prompt on one prefill of it (differentiable key-value cache).

    Args:
        model: A transformers model.
        head: Its language-model head.
        inputs: What the processor made of B prompts.
        tokens: ``[B, G, T]``
        mask: ``[B, G, T]``
        sampling: How the responses were drawn.
        forbidden: Token ids that are never drawn. ``[F]``

    Returns:
        ``[B, G, T]`` float32, 0 where masked out.
    """
    prefix = prefill(model, head, inputs).expanded(tokens.shape[1])
    flat, flat_mask = tokens.flatten(0, 1), mask.flatten(0, 1)
    hidden = continue_prefix(model, head, prefix, flat, flat_mask)
    return token_logprobs(head, hidden, flat, flat_mask, sampling, forbidden).view(tokens.shape)


def plain_logprobs(
    model: nn.Module,
    head: nn.Module,
    inputs: dict[str, Tensor],
    tokens: Tensor,
    mask: Tensor,
    sampling: Sampling,
    forbidden: Tensor,
) -> Tensor:
    """Score every row ``[prompt | response]`` in full, without a cache: the truth to compare with.

    Arguments and result are those of :func:`shared_logprobs`.
    """
    group = tokens.shape[1]
    flat, flat_mask = tokens.flatten(0, 1), mask.flatten(0, 1)
    rows = {name: value.repeat_interleave(group, dim=0) for name, value in inputs.items()}
    rows["input_ids"] = torch.cat([rows["input_ids"], flat], dim=1)
    attention = torch.cat([rows["attention_mask"].bool(), flat_mask], dim=1)
    rows["attention_mask"] = attention.long()
    with without(head):
        output = model(**rows, position_ids=positions(attention), use_cache=False)
    hidden = output.logits[:, -tokens.shape[2] - 1 : -1]
    return token_logprobs(head, hidden, flat, flat_mask, sampling, forbidden).view(tokens.shape)

"""Log-probabilities of given tokens, with gradients if they are on: three exact ways.

``shared_logprobs`` runs each prompt once and its responses behind the cached keys and values;
``packed_logprobs`` runs each prompt once in one long row with all its responses, which no cache is
needed for; ``plain_logprobs`` runs every row in full and is the truth to compare with.
"""

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from emolit.compat.torch import stored_weights, write_count
from emolit.engine.layers import packs
from emolit.engine.model import LanguageModel
from emolit.engine.prefix import EncodedPrompts, Prefix, prefill
from emolit.engine.scoring.branches import branch_logprobs
from emolit.engine.scoring.head import token_logprobs
from emolit.engine.scoring.masks import blocks, layer_masks
from emolit.engine.weights.sharding import Anyone, single_process
from emolit.types import Batch, Rollout

LOG = logging.getLogger(__name__)

MIN_TOKEN_SAVING = 1.2
"""Sharing pays if whole rows have so many times the tokens (Unsloth asks for 1.3)."""


def token_saving(prompt: Tensor, rollout: Rollout) -> float:
    """Return how many times the tokens whole rows have: G (P + T) / (P + G T).

    Args:
        prompt: True on prompt tokens. ``[B, P]``
        rollout: The responses.

    Example:
        With 256 prompt tokens and 8 responses of 32, it is 4.5.
    """
    prompts = prompt.sum().item()
    responses, group = rollout.mask.sum().item(), rollout.group_size
    return float((group * prompts + responses) / (prompts + responses))


class Scorer:
    """Chooses the way to score a rollout, and keeps a prefill from the rollout for the loss.

    Args:
        packed: Score in packed rows, since layers are checkpointed and must not fill a cache.

    Attributes:
        anyone: Asks all processes that share sharded weights, so that they choose the same way.
    """

    def __init__(self, packed: bool = False) -> None:
        self.packed = packed
        self.anyone: Anyone = single_process
        self._kept: tuple[Batch, int, Prefix] | None = None
        self._told = False

    def prefix(self, model: LanguageModel, encoded: EncodedPrompts, batch: Batch) -> Prefix:
        """Prefill a batch for sampling; with gradients on, keep it for the loss."""
        if self.packed or not torch.is_grad_enabled():
            with torch.no_grad():
                return prefill(model, encoded)
        prefix = prefill(model, encoded)
        self._kept = (batch, version(model), prefix)
        return prefix

    def logprobs(
        self, model: LanguageModel, encode: Callable[..., EncodedPrompts], rollout: Rollout
    ) -> Tensor:
        """Score with the kept prefill, if it is of these clips or more, and of these weights."""
        kept, self._kept = self._kept, None
        places = None if kept is None else find_clips(kept[0], rollout.batch)
        if kept is None or places is None or kept[1] != version(model):
            return self.fresh(model, encode, rollout)
        prefix = kept[2]
        if rollout.batch is not kept[0]:
            prefix = prefix.rows(torch.tensor(places, device=prefix.mask.device))
        if not self._shares(prefix.mask, rollout):
            return self.fresh(model, encode, rollout)
        return shared_logprobs(model, prefix, rollout)

    def fresh(
        self, model: LanguageModel, encode: Callable[..., EncodedPrompts], rollout: Rollout
    ) -> Tensor:
        """Score in the way that suits: packed, shared, or whole rows where neither pays or can be.

        Args:
            model: The network.
            encode: Encodes a batch, each prompt as often as told.
            rollout: What to score.
        """
        encoded = encode(rollout.batch)
        unpackable = self.packed and not packs(model.network)
        if unpackable or not self._shares(encoded.mask, rollout):
            return plain_logprobs(model, encode(rollout.batch, rollout.group_size), rollout)
        if self.packed:
            return packed_logprobs(model, encoded, rollout)
        return shared_logprobs(model, prefill(model, encoded), rollout)

    def branches(
        self,
        model: LanguageModel,
        encode: Callable[..., EncodedPrompts],
        rollout: Rollout,
        replies: Rollout,
        start: Tensor,
    ) -> tuple[Tensor, Tensor] | None:
        """Score replies behind the beginnings of responses; None where rows cannot be packed."""
        if not packs(model.network):
            return None
        self._kept = None
        return branch_logprobs(model, encode(rollout.batch), rollout, replies, start)

    def _shares(self, prompt: Tensor, rollout: Rollout) -> bool:
        """Tell whether sharing the prompt pays; say once in the log that it does not."""
        gain = token_saving(prompt, rollout)
        shares = self.anyone(gain >= MIN_TOKEN_SAVING)
        if not shares and rollout.group_size > 1 and not self._told:
            self._told = True
            LOG.info(
                "Whole rows have %.2f times the tokens of shared prompts, less than %.1f: "
                "the rows of this step, and of others like it, are scored in full.",
                gain,
                MIN_TOKEN_SAVING,
            )
        return shares


def find_clips(batch: Batch, part: Batch) -> list[int] | None:
    """Return where the clips of a part stand in a batch, by their very waveforms; None if not."""
    known = {id(waveform): place for place, waveform in enumerate(batch.waveforms)}
    places = [known.get(id(waveform), -1) for waveform in part.waveforms]
    return None if -1 in places else places


def version(model: LanguageModel) -> int:
    """Return a number that changes when a weight is changed in place, as optimizers do."""
    return sum(write_count(weight) for weight in stored_weights(model.network))


def continue_prefix(model: LanguageModel, prefix: Prefix, tokens: Tensor, mask: Tensor) -> Tensor:
    """Return the hidden states that predict each token behind a prefix.

    Args:
        model: The network.
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
    output = model.forward(
        input_ids=tokens[:, :-1],
        attention_mask=torch.cat([prefix.mask, mask[:, :-1]], dim=1).long(),
        position_ids=prefix.positions(0, steps),
        cache=prefix.cache,
        use_cache=True,
    )
    return torch.cat([first, output.logits], dim=1)


def shared_logprobs(model: LanguageModel, prompts: Prefix, rollout: Rollout) -> Tensor:
    """Score G responses a prompt on one prefill of it (differentiable key-value cache).

    Args:
        model: The network.
        prompts: B rows, prefilled.
        rollout: Their responses.

    Returns:
        ``[B, G, T]`` float32, 0 where masked out.
    """
    prefix = prompts.expand(rollout.group_size)
    hidden = continue_prefix(
        model, prefix, rollout.tokens.flatten(0, 1), rollout.mask.flatten(0, 1)
    )
    return _score_states(model, hidden, rollout)


def packed_logprobs(model: LanguageModel, encoded: EncodedPrompts, rollout: Rollout) -> Tensor:
    """Score G responses in one row ``[prompt | response 1 | … | response G]``.

    A response sees its prompt and itself, by a block mask; its positions go on behind the prompt.
    Nothing is cached, so it works under gradient checkpointing.

    Args:
        model: The network.
        encoded: B prompts.
        rollout: Their responses.

    Returns:
        ``[B, G, T]`` float32, 0 where masked out.
    """
    prompts, group, length = encoded.mask.shape[1], rollout.group_size, rollout.tokens.shape[2]
    behind = encoded.response_positions(length)
    inputs: dict[str, Any] = dict(encoded.inputs)
    inputs["input_ids"] = torch.cat([inputs["input_ids"], rollout.tokens.flatten(1)], dim=1)
    where = torch.cat([encoded.positions, *[behind] * group], dim=-1)
    inputs["attention_mask"] = layer_masks(
        blocks(encoded.mask, rollout.mask), where, model.network.config, model.network.dtype
    )
    states = model.forward(**inputs, position_ids=where, use_cache=False).logits
    first = states[:, None, None, prompts - 1].expand(-1, group, -1, -1)
    rest = states[:, prompts:].view(len(states), group, length, -1)[:, :, :-1]
    return _score_states(model, torch.cat([first, rest], dim=2).flatten(0, 1), rollout)


def plain_logprobs(model: LanguageModel, encoded: EncodedPrompts, rollout: Rollout) -> Tensor:
    """Score every row ``[prompt | response]`` in full, without a cache.

    Args:
        model: The network.
        encoded: B * G prompts: each of the B prompts encoded G times, clip-major.
        rollout: Their responses.

    Returns:
        ``[B, G, T]`` float32, 0 where masked out.
    """
    tokens, mask = rollout.tokens.flatten(0, 1), rollout.mask.flatten(0, 1)
    rows = dict(encoded.inputs)
    rows["input_ids"] = torch.cat([rows["input_ids"], tokens], dim=1)
    rows["attention_mask"] = torch.cat([encoded.mask, mask], dim=1).long()
    where = torch.cat([encoded.positions, encoded.response_positions(tokens.shape[1])], dim=-1)
    output = model.forward(**rows, position_ids=where, use_cache=False)
    return _score_states(model, output.logits[:, -tokens.shape[1] - 1 : -1], rollout)


def _score_states(model: LanguageModel, hidden: Tensor, rollout: Rollout) -> Tensor:
    """Return ``[B, G, T]`` from the states ``[B * G, T, H]`` that predict each token."""
    support = None if rollout.support is None else rollout.support.flatten(0, 1)
    return token_logprobs(
        model,
        hidden,
        rollout.tokens.flatten(0, 1),
        rollout.mask.flatten(0, 1),
        rollout.sampling.temperature,
        support,
    ).view(rollout.tokens.shape)

"""Pure functions on log-probabilities: masked means, safe ratios, KL estimators, warped logits.

No state, no configuration. Masks are boolean and True where it counts; masked-out entries may hold
anything, NaN and infinities included, and never reach a value or a gradient.
"""

import torch
from torch import Tensor

LOG_RATIO_BOUND = 20.0
"""Log-ratios are clamped to this magnitude before ``exp``; e^20 is about 5e8."""


def masked_mean(values: Tensor, mask: Tensor, dim: int | None = None) -> Tensor:
    """Average the entries where the mask is True; 0 where it is nowhere True.

    Args:
        values: Any shape.
        mask: Boolean, same shape.
        dim: Dimension to reduce; None reduces all.

    Example:
        >>> masked_mean(torch.tensor([1.0, float("nan"), 3.0]), torch.tensor([True, False, True]))
        tensor(2.)
    """
    count = mask.sum() if dim is None else mask.sum(dim)
    return masked_sum(values, mask, dim) / count.clamp(min=1)


def masked_sum(values: Tensor, mask: Tensor, dim: int | None = None) -> Tensor:
    """Add the entries where the mask is True.

    Args:
        values: Any shape.
        mask: Boolean, same shape.
        dim: Dimension to reduce; None reduces all.
    """
    kept = torch.where(mask, values, torch.zeros_like(values))
    return kept.sum() if dim is None else kept.sum(dim)


def log_ratio(numerator: Tensor, denominator: Tensor, mask: Tensor) -> Tensor:
    """Return ``numerator - denominator``, masked first and clamped, so that ``exp`` is safe.

    The order matters: an unmasked infinity would survive the clamp as a NaN gradient (0 * inf).
    """
    zero = torch.zeros_like(numerator)
    difference = torch.where(mask, numerator, zero) - torch.where(mask, denominator, zero)
    return difference.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)


def safe_ratio(numerator: Tensor, denominator: Tensor, mask: Tensor) -> Tensor:
    """Return ``exp(numerator - denominator)``: mask, clamp, then ``exp``; 1 where masked out."""
    return log_ratio(numerator, denominator, mask).exp()


def sequence_log_ratio(numerator: Tensor, denominator: Tensor, mask: Tensor) -> Tensor:
    """Return the log-ratio of whole responses: the sum over their tokens, clamped. ``[B, G, 1]``.

    A product of ratios leaves what a float holds sooner than any factor, so the sum is clamped.
    """
    total = log_ratio(numerator, denominator, mask).sum(-1, keepdim=True)
    return total.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)


def clipped_surrogate(ratio: Tensor, advantage: Tensor, low: float, high: float) -> Tensor:
    """Return ``min(r A, clip(r, 1 - low, 1 + high) A)``.

    Source: PPO (arXiv 1707.06347, eq. 7), with two bounds as in DAPO (arXiv 2503.14476).

    Example:
        >>> clipped_surrogate(torch.tensor([2.0, 2.0]), torch.tensor([1.0, -1.0]), 0.2, 0.2)
        tensor([ 1.2000, -2.0000])
    """
    return torch.minimum(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)


def outside(ratio: Tensor, low: float, high: float) -> Tensor:
    """Return 1 where a ratio lies outside of ``[1 - low, 1 + high]``, else 0; float, detached."""
    return ((ratio < 1 - low) | (ratio > 1 + high)).to(ratio.dtype).detach()


def k1(logprobs: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """Return ``log(p/q)``, unbiased for KL(p || q) on samples of p, of either sign."""
    return log_ratio(logprobs, reference, mask)


def k2(logprobs: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """Return ``log(p/q)^2 / 2``: biased, never negative, low variance."""
    return log_ratio(logprobs, reference, mask).square() / 2


def k3(logprobs: Tensor, reference: Tensor, mask: Tensor) -> Tensor:
    """Return ``q/p - log(q/p) - 1``: unbiased on samples of p and never negative.

    Source: J. Schulman, "Approximating KL Divergence", 2020; GRPO (arXiv 2402.03300, eq. 4).
    """
    difference = log_ratio(reference, logprobs, mask)
    return difference.exp() - difference - 1


def warp(
    logits: Tensor, forbidden: Tensor, temperature: float, top_p: float = 1.0, top_k: int = 0
) -> Tensor:
    """Turn raw logits into those that sampling draws from.

    Scoring warps by the temperature alone and takes the tokens that top-p and top-k had kept from
    the rollout (:func:`pack`): each policy's own would renormalize over other tokens.

    Args:
        logits: ``[..., V]``, any float type.
        forbidden: Token ids that may never be drawn. ``[F]`` int64
        temperature: Divides the logits; 0 leaves them as they are (greedy takes the maximum).
        top_p: Nucleus mass; 1 keeps all.
        top_k: Tokens kept; 0 keeps all.

    Returns:
        ``[..., V]`` float32 with -inf at what may not be drawn.
    """
    warped = logits.float().index_fill(-1, forbidden, float("-inf"))
    if temperature not in (0, 1):
        warped = warped / temperature
    if 0 < top_k < warped.shape[-1]:
        smallest = warped.topk(top_k, dim=-1).values[..., -1:]
        warped = warped.masked_fill(warped < smallest, float("-inf"))
    if top_p < 1:
        ordered, order = warped.sort(dim=-1, descending=True)
        before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
        dropped = (before >= top_p).scatter(-1, order, before >= top_p)
        warped = warped.masked_fill(dropped, float("-inf"))
    return warped


def pack(kept: Tensor) -> Tensor:
    """Pack booleans into bits. ``[..., V]`` -> ``[..., ceil(V / 8)]`` uint8.

    Example:
        >>> pack(torch.tensor([True, False, True]))
        tensor([5], dtype=torch.uint8)
    """
    padded = torch.nn.functional.pad(kept, (0, -kept.shape[-1] % 8))
    bits = padded.view(*padded.shape[:-1], -1, 8).to(torch.uint8)
    return (bits << _bits(kept.device)).sum(-1, dtype=torch.uint8)


def unpack(packed: Tensor, width: int) -> Tensor:
    """Undo :func:`pack`. ``[..., ceil(V / 8)]`` uint8 -> ``[..., V]`` boolean."""
    bits: Tensor = (packed.unsqueeze(-1) >> _bits(packed.device)) & 1
    return bits.flatten(-2)[..., :width].bool()


def _bits(device: torch.device) -> Tensor:
    return torch.arange(8, dtype=torch.uint8, device=device)


def selective_log_softmax(logits: Tensor, tokens: Tensor) -> Tensor:
    """Return the log-probability of each token.

    Args:
        logits: ``[..., V]``
        tokens: ``[...]`` int64

    Returns:
        ``[...]`` float32
    """
    logits = logits.float()
    chosen = logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    return chosen - logits.logsumexp(-1)


def entropy(logits: Tensor) -> Tensor:
    """Return the entropy in nats of the softmax over the last dimension, -inf logits allowed."""
    logs = logits.float().log_softmax(-1)
    return -(logs.exp() * logs.clamp(min=torch.finfo(logs.dtype).min)).sum(-1)

"""The language-model head on response positions only."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from emolit.functional import selective_log_softmax, warp
from emolit.types import Sampling


def _same(hidden: Tensor) -> Tensor:
    """Return hidden states in place of logits."""
    return hidden


@contextmanager
def without(head: nn.Module) -> Iterator[None]:
    """Make a model return hidden states as its logits while the block runs.

    It works for every architecture whose head is its last operation, whatever its attribute is
    called; the weights are untouched.
    """
    head.forward = _same
    try:
        yield
    finally:
        del head.forward


def token_logprobs(
    head: nn.Module,
    hidden: Tensor,
    tokens: Tensor,
    mask: Tensor,
    sampling: Sampling,
    forbidden: Tensor,
) -> Tensor:
    """Return the log-probability of each response token, as sampling would have drawn it.

    Only positions under the mask pass through the head.

    Args:
        head: Maps hidden states to logits.
        hidden: States that predict the tokens. ``[N, T, H]``
        tokens: ``[N, T]`` int64
        mask: ``[N, T]`` boolean
        sampling: Temperature, top-p and top-k that renormalize.
        forbidden: Token ids that are never drawn. ``[F]``

    Returns:
        ``[N, T]`` float32, 0 where masked out.
    """
    logits = warp(
        head(hidden[mask]), forbidden, sampling.temperature, sampling.top_p, sampling.top_k
    )
    logprobs = selective_log_softmax(logits, tokens[mask])
    return logprobs.new_zeros(tokens.shape).masked_scatter(mask, logprobs)

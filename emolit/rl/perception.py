"""A price for not listening: what is said should be other without the sound.

The responses of a rollout are scored once more behind clips that are masked. The divergence between
both is raised::

    loss <- loss - coefficient * mean over tokens of KL(policy with sound || policy without)

Source: the implicit perception loss of PAPO (arXiv 2507.06448), there for pictures. Deviations: the
sound is masked in pieces of a tenth of a second; each token earns ``cap`` nats at most, so that the
term cannot run away, where PAPO adds two entropy losses.
"""

from dataclasses import replace

import torch
from torch import Generator, Tensor, nn

from emolit.errors import ConfigError
from emolit.rl.functional import k3
from emolit.seed import stream
from emolit.types import Batch

PIECE = 0.1
"""Seconds that are masked together."""


class Perception(nn.Module):
    """The divergence between answers with and without the sound.

    Args:
        coefficient: What a nat is paid; 0 leaves the term out.
        masked: Share of each clip that is silenced, above 0 and up to 1.
        cap: Most nats that a token is paid for.

    Raises:
        ConfigError: A setting is out of its range.
    """

    def __init__(self, coefficient: float = 0.01, masked: float = 1.0, cap: float = 1.0) -> None:
        super().__init__()
        if coefficient < 0 or not 0 < masked <= 1 or cap <= 0:
            raise ConfigError(
                f"The perception term has coefficient {coefficient}, masked {masked} and cap "
                f"{cap}; choose 0 or more, a share above 0, and a cap above 0."
            )
        self.coefficient = coefficient
        self.masked = masked
        self.cap = cap

    @property
    def on(self) -> bool:
        """Whether clips are scored without their sound at all."""
        return self.coefficient > 0

    def forward(self, logprobs: Tensor, deaf: Tensor, mask: Tensor) -> Tensor:
        """Return nats token by token, differentiable by both, none above the cap. ``[B, G, T]``.

        Args:
            logprobs: Of the responses, with the sound. ``[B, G, T]``
            deaf: The same, without.
            mask: True on their tokens.
        """
        return k3(logprobs, deaf, mask).clamp(max=self.cap)

    def mask(self, batch: Batch, seed: int, step: int) -> Batch:
        """Return a batch with pieces of each clip silenced, drawn from (seed, step, clip)."""
        waveforms = tuple(
            self._silence(waveform, stream(seed, step, clip.corpus, clip.id), batch.sampling_rate)
            for clip, waveform in zip(batch.clips, batch.waveforms, strict=True)
        )
        return replace(batch, waveforms=waveforms)

    def _silence(self, waveform: Tensor, draw: Generator, rate: int) -> Tensor:
        size = max(1, round(PIECE * rate))
        pieces = -(-len(waveform) // size)
        drawn = torch.randperm(pieces, generator=draw)
        silenced = torch.zeros(pieces, dtype=torch.bool)
        silenced[drawn[: max(1, round(self.masked * pieces))]] = True
        return waveform.masked_fill(silenced.repeat_interleave(size)[: len(waveform)], 0.0)


def silence(batch: Batch) -> Batch:
    """Return a batch whose clips are as long and silent."""
    return replace(batch, waveforms=tuple(torch.zeros_like(each) for each in batch.waveforms))

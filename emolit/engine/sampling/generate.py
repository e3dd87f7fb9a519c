"""Sampling G responses a prompt on a shared prefix; finished rows leave the batch."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from emolit.engine.model import LanguageModel
from emolit.engine.prefix import Prefix
from emolit.errors import PolicyError
from emolit.rl.functional import entropy, pack, selective_log_softmax, warp
from emolit.types import Batch, Rollout, Sampling


@dataclass(frozen=True)
class SampledTokens:
    """Sampled rows.

    Attributes:
        tokens: ``[N, T]`` int64
        mask: True on response tokens. ``[N, T]``
        behavior: Log-probabilities. ``[N, T]`` float32
        entropy: In nats. ``[N, T]`` float32; None where whoever drew does not tell.
        finished: True where a row ended by itself. ``[N]``
        support: Tokens that could be drawn, as bits. ``[N, T, ceil(V / 8)]``; None is all.
    """

    tokens: Tensor
    mask: Tensor
    behavior: Tensor
    entropy: Tensor | None
    finished: Tensor
    support: Tensor | None

    def rollout(self, batch: Batch, sampling: Sampling, texts: Sequence[str]) -> Rollout:
        """Return the rows as the responses of B prompts, clip-major.

        Args:
            batch: The prompts.
            sampling: What they were drawn under.
            texts: One a row.

        Raises:
            PolicyError: A probability was no number.
        """
        prompts, group = len(batch), len(texts) // len(batch)
        lost = ~(self.behavior.isfinite() | ~self.mask).all(-1)
        if lost.any():
            rows = lost.view(prompts, group).any(-1).tolist()
            clips = [clip.id for clip, odd in zip(batch.clips, rows, strict=True) if odd]
            raise PolicyError(
                f"The policy's probabilities are no numbers on the clips {clips}: its weights or "
                "their audio hold NaN or infinity. Go back to an earlier checkpoint and lower the "
                "learning rate, or look at these clips."
            )
        shape = (prompts, group, -1)
        return Rollout(
            batch=batch,
            tokens=self.tokens.view(shape),
            mask=self.mask.view(shape),
            behavior=self.behavior.view(shape),
            finished=self.finished.view(prompts, group),
            responses=tuple(tuple(texts[i * group : (i + 1) * group]) for i in range(prompts)),
            sampling=sampling,
            entropy=None if self.entropy is None else self.entropy.view(shape),
            support=None
            if self.support is None
            else self.support.view(prompts, group, *self.support.shape[1:]),
        )


def random_streams(seed: int, step: int, clips: Sequence[str], group: int, length: int) -> Tensor:
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


def sample_token(logits: Tensor, uniform: Tensor, greedy: bool) -> Tensor:
    """Draw one token a row by inverting the cumulative distribution.

    Args:
        logits: Warped, -inf where forbidden. ``[N, V]``
        uniform: ``[N]`` float64 in [0, 1).
        greedy: Take the most likely token instead.

    Returns:
        ``[N]`` int64; a token of probability 0 is never drawn. Logits that are no numbers give any
        token; its log-probability then is no number either.
    """
    if greedy:
        return logits.argmax(-1)
    cumulative = logits.double().softmax(-1).cumsum(-1)
    target = (uniform.to(cumulative.device) * cumulative[:, -1]).unsqueeze(-1)
    drawn = torch.searchsorted(cumulative, target, right=True).squeeze(-1)
    return drawn.clamp(max=logits.shape[-1] - 1)  # an index that none has stops a GPU for good


@dataclass
class SampleBuffer:
    """What has been drawn so far, all rows of it; only active rows are written.

    Attributes:
        rows: N.
        sampling: Limits.
        device: Where it lies.
    """

    rows: int
    sampling: Sampling
    device: torch.device
    support: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make empty rows."""
        shape = (self.rows, self.sampling.max_tokens)
        self.tokens = torch.zeros(shape, dtype=torch.long, device=self.device)
        self.behavior = torch.zeros(shape, dtype=torch.float32, device=self.device)
        self.entropy = torch.zeros(shape, dtype=torch.float32, device=self.device)
        self.length = torch.full((self.rows,), shape[1], dtype=torch.long, device=self.device)
        self.finished = torch.zeros(self.rows, dtype=torch.bool, device=self.device)

    def write(self, active: Tensor, column: int, logits: Tensor, drawn: Tensor) -> None:
        """Note what active rows have drawn from their warped logits."""
        self.tokens[active, column] = drawn
        self.behavior[active, column] = selective_log_softmax(logits, drawn)
        self.entropy[active, column] = entropy(logits)
        if self.sampling.truncated:
            bits = pack(logits.isfinite())
            kept = bits.new_full((self.rows, bits.shape[-1]), 255)
            kept[active] = bits
            self.support.append(kept)

    def end(self, rows: Tensor, length: int) -> None:
        """Note which rows have ended by themselves."""
        self.length[rows] = length
        self.finished[rows] = True

    def sampled(self) -> SampledTokens:
        """Return the rows, cut to the longest."""
        longest = int(self.length.max())
        columns = torch.arange(longest, device=self.device)
        return SampledTokens(
            tokens=self.tokens[:, :longest],
            mask=columns < self.length.unsqueeze(-1),
            behavior=self.behavior[:, :longest],
            entropy=self.entropy[:, :longest],
            finished=self.finished,
            support=torch.stack(self.support[:longest], dim=1) if self.support else None,
        )


@torch.no_grad()
def generate(
    model: LanguageModel,
    prefix: Prefix,
    sampling: Sampling,
    stops: Callable[[Tensor], Tensor],
    uniform: Tensor,
) -> SampledTokens:
    """Sample one response behind each row of a prefix.

    Args:
        model: The network.
        prefix: N rows; used up.
        sampling: Temperature and limits.
        stops: Tells for token rows ``[n, t]`` which of them end with a stop string. ``[n]``
        uniform: One stream a row. ``[N, max_tokens]``
    """
    draws = SampleBuffer(prefix.mask.shape[0], sampling, prefix.last.device)
    active = torch.arange(draws.rows, device=draws.device)
    prefix = prefix.preallocate(sampling.max_tokens)
    hidden, mask = prefix.last, prefix.mask.long()
    for column in range(sampling.max_tokens):
        logits = warp(
            model.logits(hidden),
            model.forbidden,
            sampling.temperature,
            sampling.top_p,
            sampling.top_k,
        )
        drawn = sample_token(logits, uniform[active.cpu(), column], sampling.temperature == 0)
        draws.write(active, column, logits, drawn)
        done = torch.isin(drawn, model.ends) | stops(draws.tokens[active, : column + 1])
        draws.end(active[done], column + 1)
        kept = (~done).nonzero().squeeze(-1)
        if column + 1 == sampling.max_tokens or len(kept) == 0:
            break
        if len(kept) < len(active):
            active, prefix, mask = active[kept], prefix.rows(kept), mask[kept]
        mask = torch.cat([mask, mask.new_ones(len(active), 1)], dim=1)
        hidden = model.forward(
            input_ids=drawn[kept].unsqueeze(-1),
            attention_mask=mask,
            position_ids=prefix.positions(column, 1),
            cache=prefix.cache,
            use_cache=True,
        ).logits[:, -1]
    return draws.sampled()

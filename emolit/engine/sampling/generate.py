"""Sampling G responses a prompt on a shared prefix; finished rows leave the batch."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from emolit.engine.model import LanguageModel
from emolit.engine.prefix import Prefix
from emolit.engine.sampling.compaction import kept_places
from emolit.engine.sampling.steps import EagerStep, Step
from emolit.engine.weights.sharding import Anyone, single_process
from emolit.errors import NonFiniteError
from emolit.rl.functional import entropy, pack, selective_log_softmax, warp
from emolit.types import Batch, Rollout, Sampling

Ends = Callable[[Tensor], Tensor]
"""Tells for token rows ``[n, t]`` which of them end with their last token. ``[n]`` boolean"""
LOOK_EVERY = {"cpu": 1, "cuda": 8}
"""Tokens between two looks at which rows have ended. To look, the host waits for a device. Rows
that have ended run along until then, which costs a device little, a CPU as much as any."""


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
            NonFiniteError: A probability was no number.
        """
        prompts, group = len(batch), len(texts) // len(batch)
        lost = ~(self.behavior.isfinite() | ~self.mask).all(-1)
        if lost.any():
            rows = lost.view(prompts, group).any(-1).tolist()
            clips = [clip.id for clip, odd in zip(batch.clips, rows, strict=True) if odd]
            raise NonFiniteError(
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

    A row that has ended is written until it is dropped; what lies behind its end is cleared.

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
        """Make empty rows; how long they are is known on the host."""
        shape = (self.rows, self.sampling.max_tokens)
        self.tokens = torch.zeros(shape, dtype=torch.long, device=self.device)
        self.behavior = torch.zeros(shape, dtype=torch.float32, device=self.device)
        self.entropy = torch.zeros(shape, dtype=torch.float32, device=self.device)
        self.length = torch.full((self.rows,), shape[1], dtype=torch.long)
        self.finished = torch.zeros(self.rows, dtype=torch.bool)

    def write(self, active: Tensor, column: int, logits: Tensor, drawn: Tensor) -> None:
        """Note what active rows have drawn from their warped logits."""
        chosen = selective_log_softmax(logits, drawn)
        for kept, new in (
            (self.tokens, drawn),
            (self.behavior, chosen),
            (self.entropy, entropy(logits)),
        ):
            kept[:, column].index_copy_(0, active, new)
        if self.sampling.truncated:
            bits = pack(logits.isfinite())
            kept = bits.new_full((self.rows, bits.shape[-1]), 255)
            self.support.append(kept.index_copy_(0, active, bits))

    def end_rows(
        self, rows: list[int | None], tokens: Tensor, seen: int, ends: Ends
    ) -> list[int | None]:
        """Note which rows have ended since the last look, each where it has ended first.

        Args:
            rows: Which are active; None where one has ended and runs along.
            tokens: Theirs so far, on the host. ``[n, t]``
            seen: How many tokens had been looked at.
            ends: Tells which rows end with their last token.

        Returns:
            The same, with None for those that have ended.
        """
        left = list(rows)
        for length in range(seen + 1, tokens.shape[1] + 1):
            going = [place for place, row in enumerate(left) if row is not None]
            if not going:
                break
            done = ends(tokens[going, :length]).tolist()
            for place, over in zip(going, done, strict=True):
                row = left[place]
                if over and row is not None:
                    self.length[row] = length
                    self.finished[row] = True
                    left[place] = None
        return left

    def sampled(self) -> SampledTokens:
        """Return the rows, cut to the longest."""
        longest = int(self.length.max())
        mask = (torch.arange(longest) < self.length.unsqueeze(-1)).to(self.device)
        support = torch.stack(self.support[:longest], dim=1) if self.support else None
        return SampledTokens(
            tokens=self.tokens[:, :longest] * mask,
            mask=mask,
            behavior=self.behavior[:, :longest].masked_fill(~mask, 0.0),
            entropy=self.entropy[:, :longest].masked_fill(~mask, 0.0),
            finished=self.finished.to(self.device),
            support=None if support is None else support.masked_fill(~mask.unsqueeze(-1), 255),
        )


@torch.no_grad()
def generate(
    model: LanguageModel,
    prefix: Prefix,
    sampling: Sampling,
    stops: Ends,
    uniform: Tensor,
    look_every: int | None = None,
    anyone: Anyone = single_process,
    open_step: Callable[[LanguageModel, Prefix, int], Step] = EagerStep,
) -> SampledTokens:
    """Sample one response behind each row of a prefix.

    The host looks at the tokens now and then, and drops rows that have ended; till then they run
    along. How often it looks changes no response.

    Args:
        model: The network.
        prefix: N rows; used up.
        sampling: Temperature and limits.
        stops: Tells for token rows ``[n, t]``, on the host, which of them end with a stop string.
            ``[n]``
        uniform: One stream a row. ``[N, max_tokens]``
        look_every: Tokens between two looks; None chooses by the device. Who looks at each one
            drops a row at once, others cut the batch to powers of two.
        anyone: Asks all processes that run the network in step: none ends before the others.
        open_step: Makes what runs the network for a token, out of network, prefix and length.
    """
    draws = SampleBuffer(prefix.mask.shape[0], sampling, prefix.last.device)
    every = look_every or LOOK_EVERY.get(draws.device.type, LOOK_EVERY["cuda"])
    endings = model.ends.cpu()
    rows: list[int | None] = list(range(draws.rows))
    seen = 0
    active = torch.arange(draws.rows, device=draws.device)
    uniform = uniform.to(draws.device)
    step, hidden = open_step(model, prefix, sampling.max_tokens), prefix.last

    def ends(tokens: Tensor) -> Tensor:
        return torch.isin(tokens[:, -1], endings) | stops(tokens)

    for column in range(sampling.max_tokens):
        logits = warp(
            model.logits(hidden),
            model.forbidden,
            sampling.temperature,
            sampling.top_p,
            sampling.top_k,
        )
        drawn = sample_token(logits, uniform[:, column], sampling.temperature == 0)
        draws.write(active, column, logits, drawn)
        length = column + 1
        if length % every == 0 or length == sampling.max_tokens:
            rows = draws.end_rows(rows, draws.tokens[active, :length].cpu(), seen, ends)
            seen = length
            going = any(row is not None for row in rows)
            if length == sampling.max_tokens or not anyone(going):
                break
            places = kept_places(rows, halve=every > 1)
            if len(places) < len(rows):
                rows, kept = [rows[at] for at in places], torch.tensor(places).to(draws.device)
                active, drawn, uniform = active[kept], drawn[kept], uniform[kept]
                step = step.rows(kept)
        hidden = step(drawn, column)
    return draws.sampled()

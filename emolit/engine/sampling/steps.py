"""One decoded token: run kernel by kernel, or, on a GPU, replayed as one CUDA graph."""

from typing import Protocol

import torch
from torch import Tensor

from emolit.compat.transformers_cache import fix_length
from emolit.engine.layers import FULL, kinds, packs
from emolit.engine.model import LanguageModel
from emolit.engine.prefix import Prefix
from emolit.engine.scoring.masks import additive, decoding_mask
from emolit.errors import PolicyError


class Step(Protocol):
    """Runs the network over the tokens that were drawn last."""

    def __call__(self, drawn: Tensor, column: int) -> Tensor:
        """Return the hidden states behind tokens. ``[N]`` -> ``[N, H]``.

        Args:
            drawn: One token a row.
            column: Which token of the response they are.
        """

    def rows(self, kept: Tensor) -> "Step":
        """Return a step of some rows; this one is used up."""


class EagerStep:
    """Launches its kernels one by one, over a cache that grows.

    Args:
        model: The network.
        prefix: N rows; used up.
        length: Of a response at most.
    """

    def __init__(self, model: LanguageModel, prefix: Prefix, length: int) -> None:
        self.model = model
        self.prefix = prefix.preallocate(length)
        self.mask = decoding_mask(prefix.mask, length, model.network)

    def __call__(self, drawn: Tensor, column: int) -> Tensor:
        """Run the network."""
        seen = self.prefix.mask.shape[1] + column + 1
        hidden: Tensor = self.model.forward(
            input_ids=drawn.unsqueeze(-1),
            attention_mask=None if self.mask is None else self.mask[..., :seen],
            position_ids=self.prefix.positions(column, 1),
            cache=self.prefix.cache,
            use_cache=True,
        ).logits[:, -1]
        return hidden

    def rows(self, kept: Tensor) -> "EagerStep":
        """Cut cache and mask."""
        self.prefix = self.prefix.rows(kept)
        self.mask = None if self.mask is None else self.mask[kept]
        return self


class StaticStep:
    """Runs over a cache of one length, in whose memory all has one place from token to token.

    So its kernels can be captured once for a number of rows and replayed for each token.

    Args:
        model: The network.
        prefix: N rows; used up.
        length: Of a response at most.
        capture: Replay a CUDA graph; else the same is run kernel by kernel.

    Raises:
        PolicyError: It shall be captured where no GPU is, or layers are of other kinds.
    """

    def __init__(
        self, model: LanguageModel, prefix: Prefix, length: int, capture: bool = True
    ) -> None:
        if capture and prefix.last.device.type != "cuda":
            raise PolicyError(
                f"`cuda_graph` is set, and the policy is on {prefix.last.device.type}, where there "
                "are no CUDA graphs; leave it out."
            )
        if not (kinds(model.network.config) == {FULL} and packs(model.network)):
            raise PolicyError(
                f"`cuda_graph` needs layers of full attention alone; those of "
                f"{type(model.network).__name__} are {sorted(kinds(model.network.config))}. Leave "
                "it out."
            )
        seen = torch.cat([prefix.mask, prefix.mask.new_zeros(len(prefix.mask), length)], dim=1)
        mask = additive(seen.unsqueeze(1), model.network.dtype)
        self._begin(model, prefix.preallocate(length), mask, capture)

    def _begin(self, model: LanguageModel, prefix: Prefix, mask: Tensor, capture: bool) -> None:
        self.model, self.prefix, self.mask, self.capture = model, prefix, mask, capture
        self.start = prefix.mask.shape[1]
        self.tokens = prefix.next_position.unsqueeze(-1).clone()
        self.positions = prefix.positions(0, 1).clone()
        self.where = torch.full_like(self.tokens[0], self.start)
        self.graph: torch.cuda.CUDAGraph | None = None
        fix_length(prefix.cache, self.where)

    def __call__(self, drawn: Tensor, column: int) -> Tensor:
        """Set what the kernels read, and run or replay them."""
        self.tokens.copy_(drawn.unsqueeze(-1))
        self.positions.copy_(self.prefix.positions(column, 1))
        self.where.fill_(self.start + column)
        self.mask[..., self.start + column] = 0
        if not self.capture:
            return self._run()
        if self.graph is None:
            self.graph, self.hidden = self._captured()
        self.graph.replay()
        return self.hidden

    def _run(self) -> Tensor:
        hidden: Tensor = self.model.forward(
            input_ids=self.tokens,
            attention_mask=self.mask,
            position_ids=self.positions,
            cache=self.prefix.cache,
            use_cache=True,
        ).logits[:, -1]
        return hidden

    def _captured(self) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        """Capture the kernels; they run some times before, which writes the same each time."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's own
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self._run()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            hidden = self._run()
        return graph, hidden

    def rows(self, kept: Tensor) -> "StaticStep":
        """Cut cache and mask; what was captured is of another number of rows."""
        self._begin(self.model, self.prefix.rows(kept), self.mask[kept], self.capture)
        return self

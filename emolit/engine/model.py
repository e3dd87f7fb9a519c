"""A transformers model as the engine sees it: hidden states in, logits on request."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from emolit.compat.torch import replaced_forward
from emolit.compat.transformers import overridden_setting
from emolit.compat.transformers_cache import cache_name

CAP = "final_logit_softcapping"
"""Setting of the Gemma family: logits are squeezed by a tanh behind the head."""


@dataclass(frozen=True)
class LanguageModel:
    """A network for conditional generation, taken apart before its head.

    While it runs its head is the identity: that works for every architecture whose head is its last
    operation, whatever its attribute is called, and leaves the weights alone.

    Attributes:
        network: A transformers model whose last operation is its head.
        head: Maps hidden states to logits.
        forbidden: Token ids that are never drawn. ``[F]``
        ends: Token ids that end a response. ``[E]``
    """

    network: Any
    head: nn.Module
    forbidden: Tensor
    ends: Tensor

    @property
    def softcap(self) -> float | None:
        """Where logits are squeezed to, if they are."""
        return getattr(self.network.config.get_text_config(), CAP, None)

    def forward(self, *, cache: Any = None, **inputs: Any) -> Any:
        """Run the network; its ``logits`` are the last hidden states. ``[N, L, H]``."""
        if cache is not None:
            inputs[str(cache_name(self.network.__class__))] = cache
        with replaced_forward(self.head, _same), disable_softcap(self.network):
            return self.network(**inputs)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the logits of hidden states. ``[..., H]`` -> ``[..., V]``."""
        logits: Tensor = self.head(hidden)
        return logits if self.softcap is None else (logits / self.softcap).tanh() * self.softcap


def _same(hidden: Tensor) -> Tensor:
    """Return hidden states in place of logits."""
    return hidden


@contextmanager
def disable_softcap(network: Any) -> Iterator[None]:
    """Keep a network from squeezing hidden states that it takes for logits."""
    config = network.config.get_text_config()
    if getattr(config, CAP, None) is None:
        yield
        return
    with overridden_setting(config, CAP, None):
        yield

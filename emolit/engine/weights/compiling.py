"""torch.compile where it can pay: the decoder's passes with gradients, which make the update."""

from typing import Any

import torch

from emolit.compat.torch import replace_forward


class CompiledDecoder:
    """Stands in for a decoder's ``forward``: compiled where gradients are on, eager elsewhere.

    Sampling runs thousands of short passes whose cache grows by a token each, and the reference
    switches adapters: both stay as they are. Lengths and numbers of rows are symbols
    (``dynamic=True``), so that two graphs serve a whole run: prompts, and responses behind them;
    with checkpointed layers one, and one more for each further way that a step may take.

    Args:
        decoder: The language model without its head.
    """

    def __init__(self, decoder: Any) -> None:
        self.eager = decoder.forward
        self.fast = torch.compile(self.eager, dynamic=True)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Run the decoder."""
        run = self.fast if torch.is_grad_enabled() else self.eager
        return run(*given, **named)


def compile_decoder(network: Any) -> None:
    """Compile the passes with gradients of a transformers model; the first of each takes long."""
    decoder = network.get_decoder()
    replace_forward(decoder, CompiledDecoder(decoder))

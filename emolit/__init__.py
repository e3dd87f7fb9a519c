"""Audio language models trained to hear emotion, by group-relative reinforcement learning."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from torch import device

    from emolit.inference.listener import Listener

__all__ = ["__version__", "load"]
__version__ = "0.1.0"


def load(
    checkpoint: "str | Path", device: "str | device | None" = None, batch_size: int = 16
) -> "Listener":
    """Load a trained checkpoint, to be asked about recordings.

    Args:
        checkpoint: Its folder, such as ``runs/mine/grpo/best``.
        device: Where the model runs; None takes a GPU if there is one.
        batch_size: Windows asked about at once.

    Returns:
        An object with `predict`, `predict_many`, and a call as of a pipeline of transformers.

    Raises:
        PolicyError: The folder holds no checkpoint that says what it has learned.

    Example:
        ``emolit.load("runs/demo/grpo/best").predict("take1.wav").label``
    """
    listener = import_module("emolit.inference.listener")  # takes seconds, which --help shall not
    found: Listener = listener.Listener(checkpoint, device, batch_size)
    return found

"""Gemma 4 without towers, https://ai.google.dev/gemma/docs/core: it hears samples."""

from torch import Tensor

from emolit.policies.gemma4 import Gemma4


class Gemma4Unified(Gemma4):
    """Gemma 4 without an audio tower: 40 ms of samples are projected to one token.

    Args:
        checkpoint: A folder or hub id, for example ``google/gemma-4-12B-it``.
        lora: Adapters to train; None trains the whole model but its eyes.
        freeze: Names of modules that do not train: ``embed_audio``, ``language_model``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Idle here, since any length is heard; prompts have the model's own limit.
        store: Idle here: features depend on the clip's own length, and only whole windows are
            stored.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "Gemma4UnifiedForConditionalGeneration"
    seconds = None

    def heard(self, mask: Tensor) -> Tensor:
        """Return which tokens are made: one a frame."""
        return mask

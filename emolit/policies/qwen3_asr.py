"""Qwen3-ASR, https://arxiv.org/abs/2601.21337: the tower of Qwen3-Omni before a small Qwen3."""

from emolit.policies.huggingface import HuggingFace


class Qwen3ASR(HuggingFace):
    """Qwen3-ASR: text and audio in, text out.

    Its tower cuts a clip into chunks of a second and pads all chunks to the longest one of the
    batch, unmasked: a clip below a second would be heard in another way beside longer ones, and is
    therefore padded to a second with silence.

    Args:
        checkpoint: A folder or hub id, for example ``Qwen/Qwen3-ASR-1.7B-hf``.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train: ``audio_tower``, ``multi_modal_projector``,
            ``language_model``.
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

    auto_class = "Qwen3ASRForConditionalGeneration"
    shortest = 1.0

    @property
    def window(self) -> None:
        """Nothing is cut."""

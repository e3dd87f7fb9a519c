"""Fun-ASR-Nano, https://arxiv.org/abs/2509.12508: tower with memory, adaptor, Qwen3."""

from typing import Any

from emolit.compat.transformers import set_attention
from emolit.policies.huggingface import HuggingFace


class FunAsrNano(HuggingFace):
    """Fun-ASR-Nano: text and audio in, text out.

    Transformers 5.24 gives its adaptor no kind of attention, and one without a kind masks no
    padding: in a batch a clip would be heard in another way than alone. It gets the tower's kind.

    Args:
        checkpoint: A folder or hub id, for example ``FunAudioLLM/Fun-ASR-Nano-2512-hf``.
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

    auto_class = "FunAsrNanoForConditionalGeneration"

    @property
    def window(self) -> None:
        """Nothing is cut."""

    def prepare(self, network: Any) -> None:
        """Let the adaptor mask padding."""
        set_attention(network.config.adaptor_config, like=network.config.audio_config)

"""Qwen2-Audio, https://arxiv.org/abs/2407.10759: Whisper tower, one linear projector, Qwen2."""

from emolit.policies.huggingface import HuggingFace


class Qwen2Audio(HuggingFace):
    """Qwen2-Audio at any size; the chat layout is the one of its own template.

    Args:
        checkpoint: A folder or hub id, for example ``Qwen/Qwen2-Audio-7B-Instruct``.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train: ``audio_tower``, ``multi_modal_projector``,
            ``language_model``.
        dtype: Of the weights.
    """

    auto_class = "Qwen2AudioForConditionalGeneration"

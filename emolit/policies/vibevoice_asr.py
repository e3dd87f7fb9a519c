"""VibeVoice-ASR, https://arxiv.org/abs/2601.18184: two speech tokenizers, projector, Qwen2.5."""

from typing import Any

import torch
from torch import Tensor

from emolit.policies.huggingface import HuggingFace


class VibeVoiceAsr(HuggingFace):
    """VibeVoice-ASR: text and audio in, text out.

    A released model adds noise to what it hears, new in each pass. Then the policy that is scored
    would be another one than the policy that sampled, so the noise is left out. Transformers
    computes its two speech tokenizers without gradients: they never train.

    Args:
        checkpoint: A folder or hub id, for example ``microsoft/VibeVoice-ASR-HF``.
        lora: Adapters to train; None trains the whole model but its
            speech tokenizers.
        freeze: Names of modules that do not train: ``multi_modal_projector``, ``language_model``.
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

    auto_class = "VibeVoiceAsrForConditionalGeneration"

    @property
    def window(self) -> None:
        """Nothing is cut."""

    def untrainable_modules(self) -> list[str]:
        """Return the speech tokenizers."""
        return ["acoustic_tokenizer_encoder", "semantic_tokenizer_encoder"]

    def sound_settings(self, rate: int) -> dict[str, Any]:
        """Let clips be padded to whole tokens: a processor that was saved has forgotten it."""
        samples = self.base.config.acoustic_tokenizer_encoder_config.hop_length
        return {**super().sound_settings(rate), "pad_to_multiple_of": samples}

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Say besides that no noise is added."""
        return {**super().process(texts, waveforms, rate), "sample": torch.tensor(False)}

"""Audio Flamingo 3, https://arxiv.org/abs/2507.08128: AF-Whisper tower, projector, Qwen2.5."""

from typing import Any

from torch import Tensor

from emolit.engine.inputs.text_processor import add_start_tokens
from emolit.policies.huggingface import HuggingFace


class AudioFlamingo3(HuggingFace):
    """Audio Flamingo 3: text and audio in, text out; long clips are heard in several windows.

    Args:
        checkpoint: A folder or hub id, for example ``nvidia/audio-flamingo-3-hf``.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train: ``audio_tower``, ``multi_modal_projector``,
            ``language_model``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Whether a clip longer than what is heard, ten minutes, is cut, or stops the run.
        store: Folder of stored features; None keeps nothing.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "AudioFlamingo3ForConditionalGeneration"

    @property
    def window(self) -> float:
        """Seconds of all windows of a clip."""
        return float(self.processor.max_audio_len)

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Pad texts to the longest, but audio to whole windows: the tower takes no others."""
        inputs: dict[str, Tensor] = self.processor(
            text=add_start_tokens(self.processor.tokenizer, texts),
            audio=waveforms,
            text_kwargs={"padding": True, "add_special_tokens": False},
            audio_kwargs={"sampling_rate": rate, "padding": "max_length"},
            return_tensors="pt",
        )
        return dict(inputs)

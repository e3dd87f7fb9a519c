"""Apertus 1.5: sound becomes words of its vocabulary, by the codes of WavTokenizer."""

from typing import Any

import torch
from torch import Tensor

from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.policies.huggingface import HuggingFace


class Apertus(HuggingFace):
    """Apertus 1.5: audio and text in, text out; 40 codes a second are what it hears.

    Codes are numbers, and no gradient passes them: what makes them never trains, but their
    embeddings do. Its eyes are loaded and saved, but not used.

    Args:
        checkpoint: A folder or hub id, for example ``swiss-ai/Apertus-v1.5-8B``.
        lora: Adapters to train; None trains the whole model but what
            makes codes.
        freeze: Names of modules that do not train: ``language_model``, ``embed_tokens``.
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

    auto_class = "Apertus1p5ForConditionalGeneration"
    lora_targets = r".*language_model\.layers\..*\.(q|k|v|o|up|down)_proj"

    @property
    def window(self) -> None:
        """Nothing is cut."""

    def load_processor(self, source: str) -> Any:
        """Return the half that hears; the other one needs torchvision."""
        return load_audio_processor(source)

    def untrainable_modules(self) -> list[str]:
        """Return what makes codes of sound and of pictures."""
        return ["audio_tokenizer", "vision_tokenizer"]

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Pad waveforms, and the place of each code between its marks."""
        extractor, tokenizer = self.processor.feature_extractor, self.processor.tokenizer
        heard = extractor(waveforms, sampling_rate=rate, padding=True, return_tensors="pt")
        samples = heard["padding_mask"].sum(-1).tolist()
        lengths = torch.tensor([extractor.get_num_audio_codes(each) for each in samples])
        audio = tokenizer.audio_token
        marked = f"{tokenizer.boa_token}{audio}{tokenizer.eoa_token}"
        inputs = self.processor.read([t.replace(audio, marked) for t in texts], audio, lengths)
        return {**inputs, **heard}

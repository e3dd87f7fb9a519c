"""Gemma 4, https://ai.google.dev/gemma/docs/core: conformer, decoder with shared keys."""

from typing import Any

from torch import Tensor

from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.policies.huggingface import HuggingFace


class Gemma4(HuggingFace):
    """Gemma 4 with ears (E2B, E4B): audio and text in, text out.

    Its eyes are loaded and saved, but not used: their half of the processor needs torchvision.

    Args:
        checkpoint: A folder or hub id, for example ``google/gemma-4-E2B-it``.
        lora: Adapters to train; None trains the whole model but its eyes.
        freeze: Names of modules that do not train: ``audio_tower``, ``embed_audio``,
            ``language_model``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Whether a clip longer than the window is cut, or stops the run.
        store: Idle here: features depend on the clip's own length, and only whole windows are
            stored.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "Gemma4ForConditionalGeneration"
    lora_targets = r".*language_model\.layers\..*\.(q|k|v|o|gate|up|down)_proj"
    seconds: float | None = 30.0
    """Of a clip that the feature extractor keeps."""

    @property
    def window(self) -> float | None:
        """Seconds that are heard."""
        return self.seconds

    def load_processor(self, source: str) -> Any:
        """Return the half that hears."""
        return load_audio_processor(source)

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Make features, and the audio tokens of each clip between their marks."""
        heard = self.processor.feature_extractor(waveforms, return_tensors="pt")
        mask = heard["input_features_mask"].bool()
        tokenizer = self.processor.tokenizer
        audio = tokenizer.audio_token
        marked = f"{tokenizer.boa_token}{audio}{tokenizer.eoa_token}"
        inputs = self.processor.read(
            [text.replace(audio, marked) for text in texts], audio, self.heard(mask).sum(-1)
        )
        return {**inputs, "input_features": heard["input_features"], "input_features_mask": mask}

    def heard(self, mask: Tensor) -> Tensor:
        """Return which tokens the tower makes of frames: two convolutions keep one of four."""
        return mask[:, ::2][:, ::2]

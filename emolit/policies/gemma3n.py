"""Gemma 3n, https://ai.google.dev/gemma/docs/gemma-3n: conformer, decoder with shared keys."""

from typing import Any

import torch
from torch import Tensor

from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.policies.huggingface import HuggingFace

WINDOW = 30.0
"""Seconds that the model was trained to hear."""
MARGIN = 8
"""Mel frames behind a clip that stay: the convolutions of the tower look six ahead."""


class Gemma3n(HuggingFace):
    """Gemma 3n: audio and text in, text out; its eyes are loaded and saved, but not used.

    Of each clip it takes a fixed number of tokens (188 for half a minute), whose end is padding for
    a shorter clip. Features are made over the whole window, so that a clip does not depend on its
    batch, and the tower runs on the frames of the batch's longest clip. Its last layers have no
    keys and values of their own but those of layers below. Transformers builds the eyes with timm:
    install ``emolit[gemma3n]``.

    Args:
        checkpoint: A folder or hub id, for example ``google/gemma-3n-E2B-it``.
        lora: Adapters to train; None trains the whole model but its eyes.
        freeze: Names of modules that do not train: ``audio_tower``, ``embed_audio``,
            ``language_model``.
        dtype: Of the weights.
        gradient_checkpointing: Make activations again for the gradient instead of keeping them.
        long_audio: Whether a clip longer than the window is cut, or stops the run.
        store: Folder of stored features; None keeps nothing.
        compile: Compile the language model for the update.
        gather: What is gathered at a time of sharded weights (FSDP2) while sampling: the ``model``,
            or a ``layer``.
        cuda_graph: Replay a decoded token as a CUDA graph; on a GPU alone.
    """

    auto_class = "Gemma3nForConditionalGeneration"
    lora_targets = r".*language_model\.layers\..*\.(q|k|v|o|gate|up|down)_proj"

    @property
    def window(self) -> float:
        """Seconds that are heard: half a minute, or what the tokens of a clip hold."""
        rate = int(self.processor.feature_extractor.sampling_rate)
        return min(WINDOW, self.tokens * self.span / rate)

    @property
    def tokens(self) -> int:
        """Audio tokens of a clip, however long it is."""
        return int(self.base.config.audio_soft_tokens_per_image)

    @property
    def span(self) -> int:
        """Samples that become one token."""
        tower = self.base.config.audio_config
        frames = tower.conf_reduction_factor
        for stride, _ in tower.sscp_conv_stride_size:
            frames *= stride
        return int(frames * self.processor.feature_extractor.hop_length)

    def load_processor(self, source: str) -> Any:
        """Return the half that hears; the other one needs torchvision."""
        return load_audio_processor(source)

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Make features over the window, and the audio tokens of each clip between their marks."""
        heard = self.processor.feature_extractor(
            waveforms,
            padding="max_length",
            max_length=int(self.window * rate),
            return_tensors="pt",
        )
        features, mask = heard["input_features"], heard["input_features_mask"].bool()
        if self.store is None:
            longest = int(mask.sum(-1).max()) + MARGIN
            features, mask = features[:, :longest], mask[:, :longest]
        tokenizer = self.processor.tokenizer
        audio = tokenizer.audio_token
        marked = f"\n\n{tokenizer.boa_token}{audio}{tokenizer.eoa_token}\n\n"
        lengths = torch.full((len(texts),), self.tokens)
        inputs = self.processor.read([t.replace(audio, marked) for t in texts], audio, lengths)
        return {**inputs, "input_features": features, "input_features_mask": mask}

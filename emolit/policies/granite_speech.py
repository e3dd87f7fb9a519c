"""Granite Speech, https://arxiv.org/abs/2505.08699: conformer, query transformer, Granite."""

from typing import Any

import torch
from torch import Tensor, nn

from emolit.compat.torch import replace_forward
from emolit.compat.transformers import find_part
from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.engine.towers.memo import UnpaddedTower
from emolit.errors import PolicyError
from emolit.policies.huggingface import HuggingFace


class GraniteSpeech(HuggingFace):
    """Granite Speech without an adapter of its own.

    Its conformer masks no padding: in a batch a clip would be heard in another way than alone.
    Clips are therefore shown to it one by one. Transformers 5.23 leaves out the division of logits
    by ``text_config.logits_scaling`` here; a sampling temperature of that value makes up for it.

    Args:
        checkpoint: A folder or hub id of a model whose config says ``has_lora_adapter: false``,
            for example ``ibm-granite/granite-4.0-1b-speech``.
        lora: Adapters to train; None trains the whole model.
        freeze: Names of modules that do not train: ``encoder``, ``projector``,
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

    auto_class = "GraniteSpeechForConditionalGeneration"

    @property
    def window(self) -> None:
        """Nothing is cut."""

    def load_processor(self, source: str) -> Any:
        """Return feature extractor and tokenizer; features are made of each clip alone."""
        return load_audio_processor(source)

    def prepare(self, network: Any) -> None:
        """Show clips to the encoder one by one.

        Raises:
            PolicyError: The checkpoint brings an adapter, which would be taken for the policy's.
        """
        if network.config.has_lora_adapter:
            raise PolicyError(
                f"{self.checkpoint!r} brings an adapter for audio (`has_lora_adapter: true`); "
                "merge it into the weights with peft, set it to false in config.json, and give "
                "that folder."
            )
        encoder = find_part(network, "model.encoder")
        replace_forward(encoder, UnpaddedTower(encoder))

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Make features of each clip alone, and as many audio tokens as the projector makes."""
        heard = [self.processor.feature_extractor([waveform]) for waveform in waveforms]
        lengths = torch.tensor([int(clip["audio_embed_sizes"][0]) for clip in heard])
        features = [clip["input_features"][0] for clip in heard]
        name = self.base.config.audio_token_id
        placeholder = self.processor.tokenizer.convert_ids_to_tokens(name)
        return {
            **self.processor.read(texts, placeholder, lengths),
            "input_features": nn.utils.rnn.pad_sequence(features, batch_first=True),
            "input_features_mask": torch.arange(int(lengths.max())) < lengths.unsqueeze(-1),
        }

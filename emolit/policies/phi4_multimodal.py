"""Phi-4-multimodal, https://arxiv.org/abs/2503.01743: conformer, projector, Phi-4-mini."""

from typing import Any

import torch
from torch import Tensor, nn

from emolit.compat.torch import replace_forward
from emolit.compat.transformers import find_part
from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.engine.towers.memo import UnpaddedTower
from emolit.policies.huggingface import HuggingFace


class Phi4Multimodal(HuggingFace):
    """Phi-4-multimodal in the layout of transformers.

    Released checkpoints hear with an adapter, ``speech-lora``, which must be merged into the
    weights first. The conformer's first convolutions mask no padding: in a batch a clip would be
    heard in another way than alone. Clips are therefore shown to it one by one.

    Args:
        checkpoint: A folder with the speech adapter merged.
        lora: Adapters to train; None trains the whole model but its eyes.
        freeze: Names of modules that do not train: ``audio_embed`` (tower and projector),
            ``layers``.
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

    auto_class = "Phi4MultimodalForCausalLM"
    lora_targets = r"model\.layers\..*\.(qkv|o|gate_up|down)_proj"

    @property
    def window(self) -> None:
        """Nothing is cut."""

    def load_processor(self, source: str) -> Any:
        """Return feature extractor and tokenizer; features are made of each clip alone."""
        return load_audio_processor(source)

    def untrainable_modules(self) -> list[str]:
        """Return the eyes, and the ears' projections for clips that are seen besides."""
        beside = ["up_proj_for_vision_speech", "down_proj_for_vision_speech"]
        return [*super().untrainable_modules(), *beside]

    def prepare(self, network: Any) -> None:
        """Show clips to the encoder one by one."""
        encoder = find_part(network, "model.embed_tokens_extend.audio_embed.encoder")
        replace_forward(encoder, UnpaddedTower(encoder))

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Make features of each clip alone, and as many audio tokens as the tower makes."""
        heard = [
            self.processor.feature_extractor([waveform], sampling_rate=rate)
            for waveform in waveforms
        ]
        features = [clip["audio_input_features"][0] for clip in heard]
        lengths = torch.tensor([int(clip["audio_embed_sizes"][0]) for clip in heard])
        frames = torch.tensor([len(clip) for clip in features])
        name = self.base.config.audio_config.audio_token_id
        placeholder = self.processor.tokenizer.convert_ids_to_tokens(name)
        return {
            **self.processor.read(texts, placeholder, lengths),
            "audio_input_features": nn.utils.rnn.pad_sequence(features, batch_first=True),
            "audio_embed_sizes": lengths,
            "audio_attention_mask": torch.arange(int(frames.max())) < frames.unsqueeze(-1),
        }

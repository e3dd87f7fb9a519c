"""Voxtral, https://arxiv.org/abs/2507.13264: Whisper tower, projector, Mistral language model."""

from typing import Any

import torch
from torch import Tensor

from emolit.engine.inputs.audio_processor import load_audio_processor
from emolit.policies.huggingface import HuggingFace


class Voxtral(HuggingFace):
    """Voxtral: clips of any length in windows of half a minute, then the question.

    Released checkpoints have Mistral's own tokenizer, which knows chats but takes audio from files
    only; the prompt is therefore written here, token by token, as that tokenizer does:
    ``<s>[INST][BEGIN_AUDIO][AUDIO]…question[/INST]``.

    Args:
        checkpoint: A folder or hub id, for example ``mistralai/Voxtral-Mini-3B-2507``.
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

    auto_class = "VoxtralForConditionalGeneration"

    @property
    def window(self) -> None:
        """Nothing is cut."""

    def load_processor(self, source: str) -> Any:
        """Return feature extractor and tokenizer: the processor asks for Mistral's tokenizer."""
        return load_audio_processor(source)

    def special_tokens(self) -> set[int]:
        """Return all control tokens, also of Mistral's own tokenizer."""
        return set(self.processor.tokenizer.all_special_ids)

    def render(self, question: str, seen: bool = False) -> str:
        """Return the question itself; its surroundings are tokens without text."""
        return question

    def closing(self) -> str:
        """Return nothing: a reply ends with the tokenizer's own token."""
        return ""

    def process(self, texts: list[str], waveforms: list[Any], rate: int) -> dict[str, Tensor]:
        """Make whole windows of features, and the prompt around as many audio tokens."""
        extractor, tokenizer = self.processor.feature_extractor, self.processor.tokenizer
        tower = self.base.config.audio_config
        frames = 2 * tower.max_source_positions
        tokens = tower.max_source_positions * tower.hidden_size // tower.intermediate_size
        begin = tokenizer.convert_tokens_to_ids(["<s>", "[INST]", "[BEGIN_AUDIO]"])
        audio, end = tokenizer.convert_tokens_to_ids(["[AUDIO]", "[/INST]"])
        windows, rows = [], []
        for text, waveform in zip(texts, waveforms, strict=True):
            features = extractor(
                waveform,
                sampling_rate=rate,
                padding="longest",
                truncation=False,
                pad_to_multiple_of=extractor.n_samples,
                return_tensors="pt",
            )["input_features"][0]
            heard = features.unflatten(-1, (-1, frames)).transpose(0, 1)
            windows.append(heard)
            question = tokenizer.encode(text, add_special_tokens=False)
            rows.append([*begin, *[audio] * tokens * len(heard), *question, end])
        return {**self.processor.pad(rows), "input_features": torch.cat(windows)}

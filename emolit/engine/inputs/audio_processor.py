"""The audio half of a processor: it hears and reads, and needs no image or video library."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emolit.compat.transformers import template_beside_processor, why_not
from emolit.engine.inputs.text_processor import TextProcessor
from emolit.errors import PolicyError


class AudioTextProcessor(TextProcessor):
    """Feature extractor and tokenizer of a checkpoint whose processor also sees.

    Transformers loads such processors whole or not at all, and their other half needs libraries
    that hearing does not.

    Args:
        tokenizer: With the chat template.
        feature_extractor: From waveforms to features.
    """

    def __init__(self, tokenizer: Any, feature_extractor: Any) -> None:
        super().__init__(tokenizer)
        self.feature_extractor = feature_extractor

    def hear(self, waveforms: list[Any], rate: int) -> tuple[Tensor, Tensor]:
        """Make features of whole clips, each alone: in a batch its last frames would depend on it.

        Returns:
            Features ``[B, M, F]`` and which of their frames are real ``[B, F]``.
        """
        heard = [
            self.feature_extractor(
                waveform,
                sampling_rate=rate,
                padding="longest",
                truncation=False,
                return_attention_mask=True,
                return_tensors="pt",
            )
            for waveform in waveforms
        ]
        lengths = torch.tensor([clip["attention_mask"].shape[-1] for clip in heard])
        frames = torch.arange(int(lengths.max()))
        features = [clip["input_features"][0].T for clip in heard]
        padded = torch.nn.utils.rnn.pad_sequence(features, batch_first=True).transpose(1, 2)
        return padded.contiguous(), (frames < lengths.unsqueeze(-1)).long()

    def read(self, texts: list[str], placeholder: str, lengths: Tensor) -> dict[str, Tensor]:
        """Tokenize chats with as many audio tokens as the tower makes of each clip.

        Args:
            texts: B chats, each with one placeholder.
            placeholder: The token that stands for audio.
            lengths: Audio tokens of each clip. ``[B]``

        Returns:
            ``input_ids`` and ``attention_mask``, left-padded. ``[B, P]``

        Raises:
            PolicyError: A chat has no placeholder, or more than one.
        """
        found = [text.count(placeholder) for text in texts]
        if set(found) != {1}:
            raise PolicyError(
                f"A chat has {next(n for n in found if n != 1)} audio placeholders "
                f"{placeholder!r} instead of one; look at the chat template of the checkpoint, "
                "and keep the placeholder out of questions."
            )
        whole = [
            text.replace(placeholder, placeholder * length)
            for text, length in zip(texts, lengths.tolist(), strict=True)
        ]
        return self.encode(whole)

    def save_pretrained(self, folder: Path) -> None:
        """Write both, with the chat template."""
        super().save_pretrained(folder)
        self.feature_extractor.save_pretrained(folder)


def load_audio_processor(source: str) -> AudioTextProcessor:
    """Load feature extractor, tokenizer and chat template, and set left padding.

    Raises:
        PolicyError: One of them is not there.
    """
    from transformers import AutoFeatureExtractor, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        feature_extractor = AutoFeatureExtractor.from_pretrained(source, trust_remote_code=False)
        template = getattr(tokenizer, "chat_template", None) or template_beside_processor(source)
        if template is not None:
            tokenizer.chat_template = template
    except (OSError, ValueError) as error:
        raise PolicyError(
            f"No feature extractor and tokenizer load from the checkpoint {source!r} "
            f"({why_not(error)}); give a folder that holds model and processor, or a hub id."
        ) from error
    tokenizer.padding_side = "left"
    return AudioTextProcessor(tokenizer, feature_extractor)

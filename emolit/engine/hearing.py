"""The audio half of a processor: it hears and reads, and needs no image or video library."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emolit.errors import PolicyError


class Hearing:
    """Feature extractor and tokenizer of a checkpoint whose processor also sees.

    Transformers loads such processors whole or not at all, and their other half needs libraries
    that hearing does not.

    Args:
        tokenizer: With the chat template.
        feature_extractor: From waveforms to features.
    """

    def __init__(self, tokenizer: Any, feature_extractor: Any) -> None:
        self.tokenizer = tokenizer
        self.feature_extractor = feature_extractor

    def apply_chat_template(
        self, conversation: list[dict[str, Any]], add_generation_prompt: bool, tokenize: bool
    ) -> Any:
        """Render a chat with the tokenizer's template.

        Raises:
            PolicyError: It has none.
        """
        if not self.tokenizer.chat_template:
            raise PolicyError(
                f"The checkpoint {self.tokenizer.name_or_path!r} has no chat template; put a "
                "chat_template.jinja beside its tokenizer."
            )
        return self.tokenizer.apply_chat_template(
            conversation, add_generation_prompt=add_generation_prompt, tokenize=tokenize
        )

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

        A chat whose template has written the token that begins a text does not get a second one.

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
        start = self.tokenizer.bos_token
        return self.padded(
            [
                self.tokenizer.encode(
                    text, add_special_tokens=not (start and text.startswith(start))
                )
                for text in whole
            ]
        )

    def padded(self, rows: list[list[int]]) -> dict[str, Tensor]:
        """Pad token rows on the left. ``input_ids`` and ``attention_mask`` ``[B, P]``."""
        longest = max(map(len, rows))
        blank, gaps = self.tokenizer.pad_token_id or 0, [longest - len(row) for row in rows]
        tokens = [[blank] * gap + row for gap, row in zip(gaps, rows, strict=True)]
        mask = [[0] * gap + [1] * (longest - gap) for gap in gaps]
        return {"input_ids": torch.tensor(tokens), "attention_mask": torch.tensor(mask)}

    def save_pretrained(self, folder: Path) -> None:
        """Write both, with the chat template."""
        self.tokenizer.save_pretrained(folder)
        self.feature_extractor.save_pretrained(folder)


def load_hearing(source: str) -> Hearing:
    """Load feature extractor, tokenizer and chat template, and set left padding.

    Raises:
        PolicyError: One of them is not there.
    """
    from transformers import AutoFeatureExtractor, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        feature_extractor = AutoFeatureExtractor.from_pretrained(source)
        template = getattr(tokenizer, "chat_template", None) or _template(source)
        if template is not None:
            tokenizer.chat_template = template
    except (OSError, ValueError) as error:
        raise PolicyError(
            f"No feature extractor and tokenizer load from the checkpoint {source!r} ({error}); "
            "give a folder that holds model and processor, or a hub id."
        ) from error
    tokenizer.padding_side = "left"
    return Hearing(tokenizer, feature_extractor)


def _template(source: str) -> str | None:
    """Return the chat template that stands beside the processor instead of the tokenizer."""
    from transformers import ProcessorMixin

    settings, _ = ProcessorMixin.get_processor_dict(source)
    template: str | None = settings.get("chat_template")
    return template

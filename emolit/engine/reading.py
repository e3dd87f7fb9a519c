"""The half of a processor that reads: a tokenizer with its chat template, and nothing else."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emolit.errors import PolicyError


class Reading:
    """Tokenizer of a checkpoint, used as a processor.

    Args:
        tokenizer: With the chat template.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

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

    def encoded(self, texts: list[str]) -> dict[str, Tensor]:
        """Tokenize chats, left-padded. ``input_ids`` and ``attention_mask`` ``[B, P]``.

        A chat whose template has written the token that begins a text does not get a second one.
        """
        start = self.tokenizer.bos_token
        return self.padded(
            [
                self.tokenizer.encode(
                    text, add_special_tokens=not (start and text.startswith(start))
                )
                for text in texts
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
        """Write the tokenizer with its chat template."""
        self.tokenizer.save_pretrained(folder)


def load_reading(source: str) -> Reading:
    """Load the tokenizer of a checkpoint and set left padding.

    Raises:
        PolicyError: There is none.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise PolicyError(
            f"No tokenizer loads from the checkpoint {source!r} ({error}); give a folder that "
            "holds model and tokenizer, or a hub id."
        ) from error
    tokenizer.padding_side = "left"
    return Reading(tokenizer)

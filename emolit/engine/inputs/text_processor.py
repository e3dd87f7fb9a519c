"""The half of a processor that reads: a tokenizer with its chat template, and nothing else."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emolit.compat.transformers import why_not
from emolit.errors import PolicyError


def add_start_tokens(tokenizer: Any, texts: list[str]) -> list[str]:
    """Return rendered chats that begin with what begins a text, once, to be tokenized as they are.

    A chat template may write that token, and a tokenizer may add it, or one of them, or neither.
    What a tokenizer would add behind a chat, such as its end, does not belong before a reply.
    """
    start = tokenizer.bos_token
    if not start or tokenizer.encode("a")[:1] != [tokenizer.bos_token_id]:
        return texts
    return [text if text.lstrip().startswith(start) else start + text for text in texts]


class TextProcessor:
    """Tokenizer of a checkpoint, used as a processor.

    Args:
        tokenizer: With the chat template.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def apply_chat_template(
        self, conversation: list[dict[str, Any]], add_generation_prompt: bool, tokenize: bool
    ) -> Any:
        """Render a chat with the tokenizer's template, in the sandbox of transformers.

        Raises:
            PolicyError: It has none, or one that cannot be rendered there.
        """
        from jinja2 import TemplateError

        if not self.tokenizer.chat_template:
            raise PolicyError(
                f"The checkpoint {self.tokenizer.name_or_path!r} has no chat template; put a "
                "chat_template.jinja beside its tokenizer."
            )
        try:
            return self.tokenizer.apply_chat_template(
                conversation, add_generation_prompt=add_generation_prompt, tokenize=tokenize
            )
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise PolicyError(
                f"The chat template of {self.tokenizer.name_or_path!r} cannot be rendered "
                f"({error}). Mend its chat_template.jinja, or get the checkpoint again."
            ) from error

    def encode(self, texts: list[str]) -> dict[str, Tensor]:
        """Tokenize chats, left-padded. ``input_ids`` and ``attention_mask`` ``[B, P]``."""
        whole = add_start_tokens(self.tokenizer, texts)
        return self.pad([self.tokenizer.encode(text, add_special_tokens=False) for text in whole])

    def pad(self, rows: list[list[int]]) -> dict[str, Tensor]:
        """Pad token rows on the left. ``input_ids`` and ``attention_mask`` ``[B, P]``."""
        longest = max(map(len, rows))
        blank, gaps = self.tokenizer.pad_token_id or 0, [longest - len(row) for row in rows]
        tokens = [[blank] * gap + row for gap, row in zip(gaps, rows, strict=True)]
        mask = [[0] * gap + [1] * (longest - gap) for gap in gaps]
        return {"input_ids": torch.tensor(tokens), "attention_mask": torch.tensor(mask)}

    def save_pretrained(self, folder: Path) -> None:
        """Write the tokenizer with its chat template."""
        self.tokenizer.save_pretrained(folder)


def load_text_processor(source: str) -> TextProcessor:
    """Load the tokenizer of a checkpoint and set left padding.

    Raises:
        PolicyError: There is none.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise PolicyError(
            f"No tokenizer loads from the checkpoint {source!r} ({why_not(error)}); give a "
            "folder that holds model and tokenizer, or a hub id."
        ) from error
    tokenizer.padding_side = "left"
    return TextProcessor(tokenizer)

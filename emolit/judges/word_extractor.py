"""Emotion words in free text, read by a language model.

AffectGPT's published scores pass every answer through a sampled one (Qwen2.5-7B-Instruct,
temperature 0.7), which makes them noisy. This one decodes greedily, in float32 and without padding,
and keeps what it said in a store, so that a text always has the same words. Question and parser are
ours. Without a model, `Lexicon.find_words` finds the words that a lexicon knows.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from emolit.engine.frozen_model import FrozenModel, Inputs
from emolit.text.words import split_list

QUESTION = (
    "Which emotions does the following text clearly say that the person has? Reply with the words "
    "for them in one line, separated by commas, or with [] if there are none.\n\n{text}"
)


class WordExtractor(FrozenModel[str]):
    """Any causal language model of transformers that answers with a list.

    Args:
        checkpoint: A folder, or a hub id.
        question: What is asked; ``{text}`` is replaced by the text.
        max_tokens: Longest answer.
        batch_size: Texts of one length that are read together.
        store: Folder where answers are kept between steps and runs; None keeps none.
    """

    auto_class = "AutoModelForCausalLM"
    reader_class = "AutoTokenizer"

    def __init__(
        self,
        checkpoint: str,
        question: str = QUESTION,
        max_tokens: int = 64,
        batch_size: int = 8,
        store: str | None = None,
    ) -> None:
        super().__init__(checkpoint, batch_size, store)
        self.question = question
        self.max_tokens = max_tokens

    def extract(
        self, texts: Sequence[str], device: torch.device | str = "cpu"
    ) -> list[tuple[str, ...]]:
        """Return the emotion words of each text.

        Raises:
            PolicyError: The checkpoint does not load.
        """
        if not texts:
            return []
        tokens = self.encode(texts, device).long()
        replies = self.reader.batch_decode(tokens, skip_special_tokens=True)
        return [split_list(reply.strip().partition("\n")[0]) for reply in replies]

    def inputs(self, item: str) -> Inputs:
        """Return the tokens of the question, in the model's chat layout if it has one."""
        asked = self.question.replace("{text}", item)
        if self.reader.chat_template:
            turns = [{"role": "user", "content": [{"type": "text", "text": asked}]}]
            asked = self.reader.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True
            )
        plain = not self.reader.chat_template
        tokens = self.reader(asked, add_special_tokens=plain, return_tensors="pt")
        return {name: tokens[name] for name in ("input_ids", "attention_mask")}

    def settings(self) -> object:
        """Return the longest answer; the question is part of the tokens."""
        return self.max_tokens

    def compute(self, given: Inputs) -> Tensor:
        """Return the tokens of the answers, filled up with end tokens. ``[B, max_tokens]``."""
        end = self.reader.eos_token_id
        made = self.model.generate(
            **given, do_sample=False, max_new_tokens=self.max_tokens, pad_token_id=end
        )
        replies = self.read(made)[:, given["input_ids"].shape[1] :]
        return torch.nn.functional.pad(replies, (0, self.max_tokens - replies.shape[1]), value=end)

    def read(self, output: Any) -> Tensor:
        """Return the tokens."""
        tokens: Tensor = output
        return tokens

"""Which tokens end a response, and which may never be sampled."""

from typing import Any


def end_tokens(base: Any, tokenizer: Any) -> set[int]:
    """Return the tokens that end a response, after the model's settings and the tokenizer's."""
    named = base.generation_config.eos_token_id
    return {*(named if isinstance(named, list) else [named]), tokenizer.eos_token_id} - {None}


def forbidden_tokens(base: Any, tokenizer: Any, special: set[int]) -> set[int]:
    """Return the tokens that are never sampled.

    They are all special and padding tokens, the placeholders that the model's config names, and
    rows of the embedding that no token uses, except those that end a response.

    Args:
        base: The transformers model.
        tokenizer: Its tokenizer.
        special: Tokens that the policy adds.
    """
    special = special | ({tokenizer.pad_token_id, *tokenizer.all_special_ids} - {None})
    special |= {
        value
        for key, value in base.config.to_dict().items()
        if key.endswith(("_token_id", "_token_index")) and isinstance(value, int)
    }
    rows = base.get_input_embeddings().num_embeddings
    special = {token for token in special if 0 <= token < rows}
    return (special | set(range(len(tokenizer), rows))) - end_tokens(base, tokenizer)

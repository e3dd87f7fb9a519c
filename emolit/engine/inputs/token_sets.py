"""Which tokens end a response, and which may never be sampled."""

from typing import Any

from emolit.errors import PolicyError


def turn_end(tokenizer: Any, behind: str) -> int | None:
    """Return the token with which a chat template ends a turn.

    Args:
        tokenizer: Of the checkpoint.
        behind: What the template writes behind a reply that is the last turn.

    Returns:
        The first token behind the reply and white space, if it was added to the vocabulary, as
        tokens of chats are; None where a turn ends in text, or in nothing.
    """
    tokens = tokenizer.encode(behind.lstrip(), add_special_tokens=False) if behind.strip() else []
    added = {*tokenizer.added_tokens_decoder, *tokenizer.all_special_ids} if tokens else set()
    return tokens[0] if tokens and tokens[0] in added else None


def end_token(base: Any, tokenizer: Any, behind: str, source: str) -> int:
    """Return the token that is put behind a reply to imitate.

    It is the one that ends a turn of the chat template; else the tokenizer's own, unless the model
    ends with others, of which the first is taken.

    Args:
        base: The transformers model.
        tokenizer: Its tokenizer.
        behind: What the chat template writes behind a reply.
        source: What both were loaded from.

    Raises:
        PolicyError: There is none.
    """
    own, named = tokenizer.eos_token_id, model_ends(base)
    found = [turn_end(tokenizer, behind), own if own in named or not named else None, *named]
    ends = [token for token in found if token is not None]
    if not ends:
        raise PolicyError(
            f"No token ends a reply of {source!r}: its chat template ends turns with none, and "
            "tokenizer and generation_config.json name none. Set `eos_token` of the tokenizer."
        )
    return ends[0]


def model_ends(base: Any) -> list[int]:
    """Return the tokens that end a response after the model's settings."""
    named = base.generation_config.eos_token_id
    return named if isinstance(named, list) else [] if named is None else [named]


def end_tokens(base: Any, tokenizer: Any) -> set[int]:
    """Return the tokens that end a response, after the model's settings and the tokenizer's."""
    return {*model_ends(base), tokenizer.eos_token_id} - {None}


def forbidden_tokens(base: Any, tokenizer: Any, special: set[int], ends: set[int]) -> set[int]:
    """Return the tokens that are never sampled.

    They are all special and padding tokens, the placeholders that the model's config names, and
    rows of the embedding that no token uses, except those that end a response.

    Args:
        base: The transformers model.
        tokenizer: Its tokenizer.
        special: Tokens that the policy adds.
        ends: Tokens that end a response.
    """
    special = special | ({tokenizer.pad_token_id, *tokenizer.all_special_ids} - {None})
    special |= {
        value
        for key, value in base.config.to_dict().items()
        if key.endswith(("_token_id", "_token_index")) and isinstance(value, int)
    }
    rows = base.get_input_embeddings().num_embeddings
    special = {token for token in special if 0 <= token < rows}
    return (special | set(range(len(tokenizer), rows))) - ends

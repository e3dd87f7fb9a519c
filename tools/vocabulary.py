"""Keeps only the tokens of a byte-level BPE tokenizer that some texts need.

Most of a small language model is its vocabulary: of SmolLM2-135M's first two layers 28 of 35
million weights. Tokens keep their order, single bytes and special tokens are always kept, and so
are all that merging passes on its way: the texts are cut into the same tokens as before, and any
other text still into some.
"""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from emolit.errors import ConfigError


def passed(word: str, ranks: dict[tuple[str, str], int]) -> set[str]:
    """Return every token that byte-pair merging of a word passes, its last ones included.

    Args:
        word: In the alphabet of the tokenizer's bytes.
        ranks: Pairs that merge, the first ones first.

    Example:
        >>> sorted(passed("abc", {("b", "c"): 0, ("a", "bc"): 1}))
        ['a', 'abc', 'b', 'bc', 'c']
    """
    parts = list(word)
    found = set(parts)
    while len(parts) > 1:
        pairs = list(pairwise(parts))
        best = min(pairs, key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        place = pairs.index(best)
        parts[place : place + 2] = ["".join(best)]
        found.add(parts[place])
    return found


def shortened(tokenizer: Any, texts: Iterable[str]) -> tuple[str, list[int]]:
    """Return a tokenizer's file with fewer tokens, and the old ids of those it keeps, in order.

    Args:
        tokenizer: A fast byte-level BPE tokenizer.
        texts: What must be cut as before.

    Raises:
        ConfigError: It is of another kind.
    """
    from tokenizers.pre_tokenizers import ByteLevel

    said = json.loads(tokenizer.backend_tokenizer.to_str())
    model = said["model"]
    if model["type"] != "BPE" or "ByteLevel" not in json.dumps(said["pre_tokenizer"]):
        raise ConfigError(
            f"The tokenizer is {model['type']}, not byte-level BPE, so its vocabulary cannot be "
            "shortened; leave --texts out."
        )
    ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}
    split = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str
    needed = {*ByteLevel.alphabet(), *(token["content"] for token in said["added_tokens"])}
    for word in {word for text in texts for word, _ in split(text)}:
        needed |= passed(word, ranks)
    old = sorted((number, token) for token, number in model["vocab"].items() if token in needed)
    kept = [number for number, _ in old]
    model["vocab"] = {token: place for place, (_, token) in enumerate(old)}
    model["merges"] = [
        [left, right]
        for left, right in model["merges"]
        if {left, right, left + right} <= model["vocab"].keys()
    ]
    for token in said["added_tokens"]:
        token["id"] = model["vocab"][token["content"]]
    return json.dumps(said), kept

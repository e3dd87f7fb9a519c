"""Names that others give to splits, and which of ours they are."""

from collections.abc import Iterable, Mapping
from typing import get_args

from emolit.errors import ConfigError
from emolit.types import Split

SPLITS: dict[str, Split] = {
    "train": "train", "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test",
}  # fmt: skip
"""Names of splits that are understood, in any case."""


def match_splits(
    found: Iterable[str], split_map: Mapping[str, str | None], corpus: str
) -> dict[str, Split | None]:
    """Return our split by the name that a data set gives to it; None is not served.

    Args:
        found: Its names, each once.
        split_map: What a user says about some of them: ``train``, ``val``, ``test`` or None.
        corpus: Its name, for a message.

    Raises:
        ConfigError: A name is unknown and not mapped, or what is mapped is not there.

    Example:
        >>> match_splits(["train", "dev", "eval92"], {"eval92": "test"}, "mine")
        {'train': 'train', 'dev': 'val', 'eval92': 'test'}
    """
    names = list(found)
    if idle := [name for name in split_map if name not in names]:
        raise ConfigError(
            f"`split_map` of {corpus!r} names the splits {idle}, which are not there; there are "
            f"{names}. Correct it, or leave it out."
        )
    known: dict[str, Split | None] = {}
    strange = []
    for name in names:
        meant = split_map.get(name, name)
        if meant is None:
            known[name] = None
        elif meant.casefold() in SPLITS:
            known[name] = SPLITS[meant.casefold()]
        else:
            strange.append(name)
    if strange:
        meanings = ", ".join(f"{name}: …" for name in strange)
        raise ConfigError(
            f"The splits {strange} of {corpus!r} are unknown. Map each with `split_map`: "
            f"{{{meanings}}}, with one of {', '.join(get_args(Split))} in place of …, or null to "
            "leave it out."
        )
    return known

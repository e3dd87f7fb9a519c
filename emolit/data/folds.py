"""Folds of ours, for releases that have none, or whose own parts share what they must not."""

import hashlib
from collections.abc import Iterable

from emolit.types import Split

FOLDS = 5


def in_folds(units: Iterable[str], fold: int) -> dict[str, Split]:
    """Return the split of each unit: a fifth for test, a tenth for validation, always the same.

    Units come in the order of a hash of their names and are dealt to five hands: hand k is tested
    in fold k, every other unit of the next hand is for validation. So each is tested once.

    Args:
        units: What must not be parted, for example speakers, each at least once.
        fold: From 1 to 5.

    Example:
        >>> found = in_folds("abcdefghij", 1)
        >>> [sum(split == part for split in found.values()) for part in ("train", "val", "test")]
        [7, 1, 2]
    """
    order = sorted(set(units), key=lambda unit: hashlib.sha256(unit.encode()).digest())
    found: dict[str, Split] = dict.fromkeys(order, "train")
    found |= dict.fromkeys(order[fold - 1 :: FOLDS], "test")
    return found | dict.fromkeys(order[fold % FOLDS :: 2 * FOLDS], "val")

"""Which rows of a batch are decoded on once others have ended."""


def kept_places(rows: list[int | None], halve: bool) -> list[int]:
    """Return which places of a batch are decoded on; one at least.

    To cut a batch copies its whole cache, and each size is another one for a GPU to get ready for.
    So there it becomes a power of two, and only where that is half of it or less.

    Args:
        rows: None where one has ended.
        halve: Cut to powers of two; else all that have ended are left out.

    Example:
        >>> kept_places([0, None, 2, None, None, None, None, None, 8], halve=True)
        [0, 1, 2, 8]
        >>> kept_places([0, None, 2, None, None, None, None, None, 8], halve=False)
        [0, 2, 8]
    """
    going = [place for place, row in enumerate(rows) if row is not None]
    size = len(going) or 1
    if halve:
        power = 1 << (size - 1).bit_length()
        size = power if 2 * power <= len(rows) else len(rows)
    over = [place for place, row in enumerate(rows) if row is None]
    return sorted([*going, *over[: size - len(going)]])

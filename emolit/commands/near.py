"""Names that are near to one that is not there."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

FEW = 24
"""How many names are listed at most."""


def meant(name: str, known: Iterable[str], elsewhere: Mapping[str, str] | None = None) -> str:
    """Return the end of a sentence: the names that are near, and all if they are few.

    Args:
        name: What is not there.
        known: What is.
        elsewhere: What readers of other tools type, and what it is here.

    Example:
        >>> meant("max_epoch", ["max_epochs", "min_epochs"])
        "; did you mean 'max_epochs'? There are: max_epochs, min_epochs."
        >>> meant("train", ["fit", "test"], {"train": "fit"})
        "; did you mean 'fit'? There are: fit, test."
    """
    names = sorted(set(known))
    begun = [other for other in names if other.startswith(name)]
    here = [elsewhere[name]] if elsewhere and name in elsewhere else []
    near = (here or begun or get_close_matches(name, names, 3))[:3]
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    return hint + (f" There are: {', '.join(names)}." if 0 < len(names) <= FEW else "")

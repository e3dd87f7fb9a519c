"""Names in braces, ``{seed}``, and the values that a sweep puts in their place."""

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from emolit.errors import ConfigError

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def fill_placeholders(tree: Any, values: Mapping[str, Any]) -> Any:
    """Put values in the place of ``{name}`` everywhere; names without a value stay.

    Example:
        >>> tree = {"fold": "{fold}", "a": ["{x}.yaml", "{options}"]}
        >>> fill_placeholders(tree, {"fold": 2, "x": "ir"})
        {'fold': 2, 'a': ['ir.yaml', '{options}']}
    """
    if isinstance(tree, dict):
        return {
            fill_placeholders(key, values): fill_placeholders(value, values)
            for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [fill_placeholders(value, values) for value in tree]
    if not isinstance(tree, str):
        return tree
    alone = PLACEHOLDER.fullmatch(tree)
    if alone and alone[1] in values:
        return values[alone[1]]
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), tree)


def placeholders(tree: Any) -> list[str]:
    """Return the names in braces anywhere, in order."""
    return list(dict.fromkeys(PLACEHOLDER.findall(str(tree))))


def products(axes: Mapping[str, list[Any]], names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield every combination of values of some axes."""
    unknown = [name for name in names if name not in axes]
    if unknown:
        raise ConfigError(f"There is no axis {unknown[0]!r}; `axes` has {list(axes)}.")
    for values in itertools.product(*(axes[name] for name in names)):
        yield dict(zip(names, values, strict=True))

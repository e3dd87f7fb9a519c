"""Arguments of a corpus that must be one of a few."""

from collections.abc import Iterable
from typing import TypeVar

from emolit.errors import ConfigError

Choice = TypeVar("Choice")


def check_choice(
    owner: object, argument: str, value: Choice, known: Iterable[object], at: str = ""
) -> Choice:
    """Return the value of an argument, which must be one of a few.

    Args:
        owner: What takes the argument; its class is named.
        argument: Its name.
        value: What was given.
        known: What may be given.
        at: The other setting under which that is so.

    Raises:
        ConfigError: It is another.

    Example:
        >>> check_choice(object(), "fold", 2, range(1, 6))
        2
    """
    if value in (allowed := list(known)):
        return value
    raise ConfigError(
        f"`{argument}` of {type(owner).__name__} is {value!r}; choose one of {allowed}"
        f"{f' under {at}' if at else ''}."
    )

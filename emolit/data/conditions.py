"""A test that is heard again under conditions: with noise, in a room, through a codec.

Under a condition a corpus is a corpus of its own, ``<corpus>-<condition>``, with the same clips,
questions and truths. So whatever scores, writes and compares by corpus does so by condition.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from emolit.audio.augmentation import Transform
from emolit.errors import ConfigError
from emolit.types import Clip

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]*")


@dataclass(frozen=True)
class Condition:
    """How a corpus is heard once more.

    Attributes:
        corpus: Its name as it is.
        name: Of the condition.
        transforms: What alters the sound, one after the other.
    """

    corpus: str
    name: str
    transforms: Sequence[Transform]


def conditions_of(
    corpora: Iterable[str], conditions: Mapping[str, Sequence[Transform]]
) -> dict[str, Condition]:
    """Return the conditions of corpora by the names under which these are scored then.

    Example:
        >>> list(conditions_of(["ravdess", "urdu"], {"snr_5": [abs]}))
        ['ravdess-snr_5', 'urdu-snr_5']
    """
    return {
        f"{corpus}-{name}": Condition(corpus, name, transforms)
        for name, transforms in conditions.items()
        for corpus in corpora
    }


def check_conditions(conditions: Mapping[str, Sequence[Transform]]) -> None:
    """Refuse names that cannot be part of log keys, and conditions that change nothing.

    Raises:
        ConfigError: There is one.
    """
    for name, transforms in conditions.items():
        if not NAME.fullmatch(name) or not transforms:
            raise ConfigError(
                f"`loading.conditions` has {name!r} with {len(transforms)} transforms; name it by "
                "letters, digits, `_` and `.`, no `.` first, and give it one or more."
            )


def under_conditions(
    clips: Sequence[Clip], conditions: Mapping[str, Condition]
) -> tuple[Clip, ...]:
    """Return clips as they are, and then those of each condition under its corpus's name."""
    again = (
        replace(clip, corpus=served)
        for served, condition in conditions.items()
        for clip in clips
        if clip.corpus == condition.corpus
    )
    return (*clips, *again)


def as_it_is(clip: Clip, conditions: Mapping[str, Condition]) -> Clip:
    """Return a clip under its corpus's own name."""
    condition = conditions.get(clip.corpus)
    return clip if condition is None else replace(clip, corpus=condition.corpus)

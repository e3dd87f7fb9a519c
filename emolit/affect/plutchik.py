"""Plutchik's wheel: where an emotion lies on it, and how alike two emotions are.

Angles and similarity are those of EMO-RL (arXiv 2509.15654, eq. 7), known to us second-hand.
"""

import math
from collections.abc import Mapping

ANGLES: Mapping[str, float] = {
    "joy": 0.0,
    "trust": 45.0,
    "fear": 90.0,
    "surprise": 135.0,
    "sadness": 180.0,
    "disgust": 225.0,
    "anger": 270.0,
    "anticipation": 315.0,
}
"""Emotions of the wheel, in degrees."""

NAMES: Mapping[str, str] = {
    "happy": "joy",
    "happiness": "joy",
    "fearful": "fear",
    "surprised": "surprise",
    "sad": "sadness",
    "disgusted": "disgust",
    "angry": "anger",
}
"""Labels that mean an emotion of the wheel."""


def angle(label: str, places: Mapping[str, float] | None = None) -> float | None:
    """Return where a label lies, in degrees; None if it has no place.

    Args:
        label: An emotion of the wheel, or a label that means one.
        places: Degrees of further labels; they go before the wheel's own.

    Example:
        >>> angle("happy"), angle("calm"), angle("calm", {"calm": 0.0})
        (0.0, None, 0.0)
    """
    further = {} if places is None else places
    return further.get(label, ANGLES.get(NAMES.get(label, label)))


def apart(one: float, other: float) -> float:
    """Return the smaller angle between two, from 0 to 180 degrees.

    Example:
        >>> apart(0, 315), apart(45, 225)
        (45, 180)
    """
    return abs((one - other + 180) % 360 - 180)


def similarity(
    one: str, other: str, unplaced: float = 0.5, places: Mapping[str, float] | None = None
) -> float:
    """Return ``(cos angle + 1) / 2``: 1 in one place, 0 on opposite sides (eq. 7).

    Args:
        one: A label.
        other: A label.
        unplaced: The similarity if one of them has no place; 1/2 in eq. 7, for neutral.
        places: Degrees of further labels.

    Example:
        >>> round(similarity("sad", "surprise"), 4), similarity("sad", "neutral")
        (0.8536, 0.5)
    """
    first, second = angle(one, places), angle(other, places)
    if first is None or second is None:
        return unplaced
    return (math.cos(math.radians(apart(first, second))) + 1) / 2

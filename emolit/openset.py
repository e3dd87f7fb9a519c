"""Emotion words as tables hold them: a list written into one field.

The released tables write Python lists, ``['happy', 'self-deprecating']``; people write anything.
"""

import ast
import re

SEPARATORS = re.compile("[,;\n\uff0c\u3001\uff1b]")
"""Commas and semicolons, also full-width, and the comma of Chinese lists."""
EDGES = " \t\r'\"`\u201c\u201d\u2018\u2019\u300c\u300d[]\u3010\u3011"
"""Signs that surround words and lists."""
NEUTRAL = ("neutral",)
"""What an empty list means (the reader of the MER2025 challenge takes it so)."""


def words_of(text: str | None) -> tuple[str, ...]:
    """Return the words of a list in lower case, each once, in order; ``neutral`` of an empty one.

    Args:
        text: A Python list, or words between commas, also full-width ones; quotes and brackets
            may be odd. An apostrophe inside a word stays.

    Example:
        >>> words_of("['Pleased', 'self-deprecating', 'pleased']")
        ('pleased', 'self-deprecating')
        >>> words_of("[don't care, 悲伤]"), words_of("[]"), words_of(None)
        (("don't care", '悲伤'), ('neutral',), ('neutral',))
    """
    pieces = (piece for item in _items(text or "") for piece in SEPARATORS.split(item))
    words = (" ".join(piece.strip(EDGES).lower().split()) for piece in pieces)
    return tuple(dict.fromkeys(word for word in words if word)) or NEUTRAL


def _items(text: str) -> list[str]:
    """Return the items of a Python list of texts; any other text as the only item."""
    try:
        found = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return [text]
    listed = isinstance(found, list | tuple) and all(isinstance(item, str) for item in found)
    return list(found) if listed else [text]

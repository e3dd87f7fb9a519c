"""Emotion words as tables hold them: a list written into one field.

The released tables write Python lists, ``['happy', 'self-deprecating']``; pandas, given arrays,
writes numpy's, ``['happy' 'sad']``; people and models write anything.
"""

import ast
import re
from collections.abc import Iterable, Iterator

from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.text.words import remove_list_marks

COMMAS = re.compile("[,;\n\uff0c\u3001\uff1b]")
"""Commas and semicolons, also full-width, and the comma of Chinese lists."""
SEPARATORS = re.compile(f"{COMMAS.pattern}|(?<=['\"\u2019\u201d])\\s+(?=['\"\u2018\u201c])")
"""The same, and blanks between quotes."""
EDGES = " \t\r'\"`\u201c\u201d\u2018\u2019\u300c\u300d[]{}\u3010\u3011-\u2013\u2014\u2022*"
"""Signs that surround words and lists."""
NEUTRAL = ("neutral",)
"""What an empty list means (the reader of the MER2025 challenge takes it so)."""
EMPTY_SETS = ("set()", "frozenset()")
_TEXT = r"""(?:'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")"""
_LIST = re.compile(
    rf"(?:(?:array|set|frozenset)\()?[\[({{]\s*(?:{_TEXT}(?:[\s,]+{_TEXT})*+[\s,]*)?[\])}}]"
    r"(?:,\s*dtype=[^()]*)?\)?",
    re.DOTALL,
)
_LEADING = re.compile(r"^(?:(?:and|or)\b|&)\s*", re.IGNORECASE)
_BLANKS = r"(?<!\s)\s++"
"""A whole run of blanks: what begins with it is not looked for at each blank of the run again."""
_STROKE = re.compile(rf"(?:{_BLANKS})?[/|\uff0f\uff5c]\s*+")
_JOINED = re.compile(
    rf"{_BLANKS}(?:and|or)\s++|(?:{_BLANKS})?[&+]\s*+|以及|还有|或者|[和与及或]", re.IGNORECASE
)


def words_of(text: str | None) -> tuple[str, ...]:
    """Return the words of a list in lower case, each once, in order.

    An empty list is ``neutral``, no text at all has no words.

    Args:
        text: A list, tuple or set of Python's, a list of JSON's or numpy's, or words between
            commas, also full-width ones; quotes and brackets may be odd. An apostrophe inside a
            word stays.

    Example:
        >>> words_of("['Pleased', 'self-deprecating', 'pleased']"), words_of("['mad' 'sad']")
        (('pleased', 'self-deprecating'), ('mad', 'sad'))
        >>> words_of("[don't care, 悲伤]"), words_of("[]"), words_of(None)
        (("don't care", '悲伤'), ('neutral',), ())
    """
    if text is None or not text.strip():
        return ()
    words = (" ".join(piece.strip(EDGES).lower().split()) for piece in _pieces(text.strip()))
    return tuple(dict.fromkeys(word for word in words if word)) or NEUTRAL


def split_phrases(words: Iterable[str]) -> tuple[str, ...]:
    """Return the items of a list, those taken apart that are several words to the lexicon.

    A leading "and" or "or" goes. An item that the packaged lexicon does not know as a whole is
    parted at ``/`` and ``|``, and at "and", "or", "&", "+" and their like in Chinese where it knows
    every part. Items with brackets stay.

    Example:
        >>> split_phrases(["and angry", "happy / sad", "calm or neutral", "rhythm and blues"])
        ('angry', 'happy', 'sad', 'calm', 'neutral', 'rhythm and blues')
    """
    lexicon = PackagedLexicon()
    return tuple(part for word in words for part in _parts(_LEADING.sub("", word), lexicon))


def _parts(word: str, lexicon: PackagedLexicon) -> Iterator[str]:
    """Yield the parts of an item, or the item."""
    if lexicon.row(word) is not None or any(sign in word for sign in "(（"):
        yield from [word] if word else []
        return
    pieces = [piece.strip(EDGES) for piece in _STROKE.split(word)]
    short = any(len(piece) == 1 and lexicon.row(piece) is None for piece in pieces)
    for piece in [word] if short else filter(None, pieces):  # "n/a" and "w/o" stay
        found = [part for part in _JOINED.split(piece) if part.strip()]
        known = lexicon.row(piece) is None and all(lexicon.row(part) for part in found)
        yield from (part.strip() for part in found) if known else (piece,)


def _pieces(text: str) -> list[str]:
    """Return what stands between commas; inside a list of texts in quotes, quotes do not part."""
    if text in EMPTY_SETS:
        return []
    if _LIST.fullmatch(text) is None:
        return SEPARATORS.split(remove_list_marks(text))
    items = re.findall(_TEXT, text.partition("dtype=")[0], re.DOTALL)
    return [piece for item in items for piece in COMMAS.split(_read(item))]


def _read(quoted: str) -> str:
    """Return what stands in quotes."""
    try:
        return str(ast.literal_eval(quoted)) if "\\" in quoted else quoted[1:-1]
    except (SyntaxError, ValueError):
        return quoted[1:-1]

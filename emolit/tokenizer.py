"""Tokens of captions, and their n-grams; a score depends on them more than on the model.

=================== ==========================================================================
``zh-char``         each run of ASCII letters and digits is a token, and every other character
``zh-char-nopunct`` the same without punctuation and symbols
``zh-jieba``        words of jieba's ``lcut`` (extra ``captions``)
``zh-jieba-nopunct`` the same without punctuation and symbols
``en-13a``          sacrebleu's 13a (the words of mteval-v13a) without punctuation and symbols
=================== ==========================================================================

All are in lower case. Punctuation and symbols are tokens whose characters all have a Unicode
category P* or S*. COCO's tokenizer for English (``en-ptb``, a Java program) is not among them:
``en-13a`` stands in for it, which is ours, and every signature says so.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from unicodedata import category

from emolit.errors import ConfigError

Tokens = Sequence[str]
_CHARACTER = re.compile(r"[A-Za-z0-9]+|\S")


def tidy(text: str) -> str:
    r"""Return a text on one line: blanks, line breaks and control characters become one blank.

    Example:
        >>> tidy(" low\tvoice,\r\n\x00 slow \u200b")
        'low voice, slow'
    """
    signs = (" " if sign.isspace() or category(sign) in ("Cc", "Cf") else sign for sign in text)
    return " ".join("".join(signs).split())


def is_mark(token: str) -> bool:
    """Tell whether a token is made of punctuation and symbols alone.

    Example:
        >>> [is_mark(token) for token in ("。", "--", "don't", "")]
        [True, True, False, True]
    """
    return all(category(sign)[0] in "PS" for sign in token)


def _characters(text: str) -> list[str]:
    return _CHARACTER.findall(text)


@lru_cache(maxsize=1 << 16)
def _jieba_words(text: str) -> tuple[str, ...]:
    try:
        import jieba
    except ImportError as error:
        raise ConfigError(
            "The tokenizer needs jieba, which is not installed: pip install 'emolit[captions]', "
            "or take 'zh-char'."
        ) from error
    jieba.setLogLevel("WARNING")
    return tuple(word for word in jieba.lcut(text) if word.strip())


def _words(text: str) -> list[str]:
    found: list[str] = _thirteen_a()(text).split()
    return found


@lru_cache
def _thirteen_a() -> Any:
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    return Tokenizer13a()


@dataclass(frozen=True)
class Tokenizer:
    """A rule by which texts become tokens.

    Attributes:
        name: As it stands in signatures.
        split: From a text on one line, in lower case.
        punctuation: Whether tokens of punctuation and symbols are kept.
        sacrebleu: What sacrebleu calls its own tokenizer of that language.
    """

    name: str
    split: Callable[[str], Sequence[str]]
    punctuation: bool
    sacrebleu: str

    def __call__(self, text: str) -> list[str]:
        r"""Return the tokens of a text.

        Example:
            >>> " ".join(tokenizer("zh-char")("他用very soft的声音说了2遍！"))
            '他 用 very soft 的 声 音 说 了 2 遍 ！'
            >>> tokenizer("en-13a")("A low,\nslow voice.")
            ['a', 'low', 'slow', 'voice']
        """
        tokens = self.split(tidy(text).lower())
        return [token for token in tokens if self.punctuation or not is_mark(token)]

    @property
    def signature(self) -> str:
        """What of a score's signature the tokenizer decides."""
        kept = "keep" if self.punctuation else "drop"
        return f"tok:{self.name}|punct:{kept}|case:lower"


TOKENIZERS = {
    found.name: found
    for found in (
        Tokenizer("zh-char", _characters, True, "zh"),
        Tokenizer("zh-char-nopunct", _characters, False, "zh"),
        Tokenizer("zh-jieba", _jieba_words, True, "zh"),
        Tokenizer("zh-jieba-nopunct", _jieba_words, False, "zh"),
        Tokenizer("en-13a", _words, False, "13a"),
    )
}
"""By name."""


def tokenizer(name: str) -> Tokenizer:
    """Return a tokenizer by its name.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in TOKENIZERS:
        raise ConfigError(f"There is no tokenizer {name!r}; choose one of {[*TOKENIZERS]}.")
    return TOKENIZERS[name]


def ngrams(tokens: Tokens, order: int) -> Counter[tuple[str, ...]]:
    """Count the n-grams of a text.

    Example:
        >>> ngrams(("so", "so", "so", "sad"), 2)
        Counter({('so', 'so'): 2, ('so', 'sad'): 1})
    """
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))

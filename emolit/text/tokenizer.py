"""Tokens of captions, and their n-grams; a score depends on them more than on the model.

=================== ==========================================================================
``zh-char``         each run of ASCII letters and digits is a token, and every other character
``zh-char-nopunct`` the same without punctuation and symbols
``zh-jieba``        words of jieba's ``lcut`` (extra ``captions``)
``zh-jieba-nopunct`` the same without punctuation and symbols
``en-13a``          sacrebleu's 13a (the words of mteval-v13a) without punctuation and symbols
``en-ptb``          COCO's: Stanford's PTBTokenizer less COCO's list of punctuation (extra ``coco``)
=================== ==========================================================================

All are in lower case. Punctuation and symbols are tokens whose characters all have a Unicode
category P* or S*. ``en-13a`` is ours: it needs no Java and leaves "she's" and "cannot" whole, which
``en-ptb`` splits ("she 's", "can not"). nltk's Treebank tokenizer is another one and not here: it
quotes, splits and spells otherwise than Stanford's.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar
from unicodedata import category

from emolit.errors import ConfigError
from emolit.text.coco import treebank_tokens

Token = TypeVar("Token", bound=Hashable)
Tokens = Sequence[str]
_CHARACTER = re.compile(r"[A-Za-z0-9]+|\S")
UNBROKEN = 500
"""Characters without a mark that jieba takes in one part."""
_IN_PART = r"[\w+#&.%-]"
_TOO_LONG = re.compile(rf"(?<!{_IN_PART}){_IN_PART}{{{UNBROKEN + 1}}}")
_PART = re.compile(rf"{_IN_PART}{{1,{UNBROKEN}}}|[^\w+#&.%-]+")


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


def _jieba_words(text: str) -> Tokens:
    """Return jieba's words; of a text without marks for more than `UNBROKEN` characters, in parts.

    jieba's time is quadratic between two marks, and no sentence is that long.
    """
    parts = _PART.findall(text) if _TOO_LONG.search(text) else [text]
    return [word for part in parts for word in _words_of_jieba(part)]


@lru_cache(maxsize=1 << 16)
def _words_of_jieba(text: str) -> tuple[str, ...]:
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


def _treebank(texts: Sequence[str]) -> list[Tokens]:
    written = tuple(sorted({text for text in texts if text}))
    found = dict(zip(written, treebank_tokens(written), strict=True))
    return [found.get(text, ()) for text in texts]


def _each(split: Callable[[str], Tokens]) -> Callable[[Sequence[str]], list[Tokens]]:
    """Return a rule for texts from one for a text in lower case."""
    return lambda texts: [split(text.lower()) for text in texts]


@dataclass(frozen=True)
class Tokenizer:
    """A rule by which texts become tokens.

    Attributes:
        name: As it stands in signatures.
        split: From texts on one line to tokens in lower case.
        punctuation: Whether tokens of punctuation and symbols are kept; ``coco`` drops those of
            COCO's list.
        sacrebleu: What sacrebleu calls its own tokenizer of that language.
    """

    name: str
    split: Callable[[Sequence[str]], Sequence[Tokens]]
    punctuation: Literal["keep", "drop", "coco"]
    sacrebleu: str

    def __call__(self, text: str) -> list[str]:
        r"""Return the tokens of a text.

        Example:
            >>> " ".join(tokenizer("zh-char")("他用very soft的声音说了2遍！"))
            '他 用 very soft 的 声 音 说 了 2 遍 ！'
            >>> tokenizer("en-13a")("A low,\nslow voice.")
            ['a', 'low', 'slow', 'voice']
        """
        return self.tokens([text])[0]

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of each text; ``en-ptb`` starts Java once a call."""
        kept = self.punctuation != "drop"
        return [
            [token for token in tokens if kept or not is_mark(token)]
            for tokens in self.split([tidy(text) for text in texts])
        ]

    @property
    def signature(self) -> str:
        """What of a score's signature the tokenizer decides."""
        return f"tok:{self.name}|punct:{self.punctuation}|case:lower"


TOKENIZERS = {
    found.name: found
    for found in (
        Tokenizer("zh-char", _each(_characters), "keep", "zh"),
        Tokenizer("zh-char-nopunct", _each(_characters), "drop", "zh"),
        Tokenizer("zh-jieba", _each(_jieba_words), "keep", "zh"),
        Tokenizer("zh-jieba-nopunct", _each(_jieba_words), "drop", "zh"),
        Tokenizer("en-13a", _each(_words), "drop", "13a"),
        Tokenizer("en-ptb", _treebank, "coco", "13a"),
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


def ngrams(tokens: Sequence[Token], order: int) -> Counter[tuple[Token, ...]]:
    """Count the n-grams of a text.

    Example:
        >>> ngrams(("so", "so", "so", "sad"), 2)
        Counter({('so', 'so'): 2, ('so', 'sad'): 1})
    """
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))

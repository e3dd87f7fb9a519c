"""METEOR by nltk, an extra (``pip install 'emolit[captions]'``).

Words match if they, their Porter stems or, on demand, WordNet's synonyms are equal; the mean over
captions of the best over references. Banerjee and Lavie 2005, https://aclanthology.org/W05-0909,
with alpha 0.9, beta 3, gamma 0.5. The Java jar 1.5, which most papers use, weighs otherwise: on the
same English tokens 0.32 against 0.51. The signature names the implementation; never compare two.
"""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Literal

from emolit.errors import ConfigError
from emolit.metrics.caption_base import CaptionMetric, Item, TokenizedItem


class Meteor(CaptionMetric):
    """Mean METEOR of nltk, 0 to 1.

    Args:
        tokenizer: Its name, such as ``zh-char`` or ``en-13a``.
        synonyms: ``wordnet`` also matches synonyms of English words, and needs nltk's corpus
            ``wordnet``; for Chinese it changes nothing.
    """

    names = ("METEOR",)

    def __init__(self, tokenizer: str, synonyms: Literal["none", "wordnet"] = "none") -> None:
        super().__init__(tokenizer)
        self.synonyms = synonyms
        self.implementation = f"nltk-{_nltk().__version__}|synonyms:{synonyms}"

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the score."""
        thesaurus = {"none": _without_synonyms, "wordnet": _wordnet}[self.synonyms]()
        found = [_meteor(item, thesaurus) for item in self.tokens(items)]
        return (sum(found) / len(found),)


def _meteor(item: TokenizedItem, thesaurus: Any) -> float:
    """Return METEOR of one caption; 0 if it is empty."""
    from nltk.translate.meteor_score import meteor_score

    if not item.prediction:
        return 0.0
    return float(meteor_score(item.references, item.prediction, wordnet=thesaurus))


def _nltk() -> Any:
    try:
        import nltk.translate.meteor_score
    except ImportError as error:
        raise ConfigError(
            "METEOR needs nltk, which is not installed: pip install 'emolit[captions]', or take "
            "`Meteor` out of `metrics`."
        ) from error
    return nltk


def _without_synonyms() -> Any:
    """Return a thesaurus that knows no word."""
    return SimpleNamespace(synsets=lambda _: ())


def _wordnet() -> Any:
    thesaurus = _nltk().corpus.wordnet
    try:
        thesaurus.ensure_loaded()
    except LookupError as error:
        raise ConfigError(
            "METEOR with `synonyms: wordnet` needs nltk's corpus: python -m nltk.downloader "
            "wordnet, or set `synonyms: none`."
        ) from error
    return thesaurus

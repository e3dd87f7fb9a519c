"""sacrebleu's BLEU and chrF, with sacrebleu's own tokenizers and signatures.

They read texts, not tokens of `emolit.text.tokenizer`: case and punctuation are kept, and Chinese
is split by sacrebleu's ``zh``, other languages by ``13a``. Post 2018,
https://aclanthology.org/W18-6319; chrF: Popovic 2015, https://aclanthology.org/W15-3049.
"""

from collections.abc import Sequence
from typing import Any

from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.text.tokenizer import tidy, tokenizer


def by_place(items: Sequence[Item]) -> tuple[list[str], list[list[str | None]]]:
    """Return captions, and references by place; None where a clip has fewer.

    Example:
        >>> by_place([Item("so", ("a", "b")), Item(None, ("c",))])
        (['so', ''], [['a', 'c'], ['b', None]])
    """
    most = max(len(item.references) for item in items)
    wanted: list[list[str | None]] = [
        [tidy(item.references[place]) if place < len(item.references) else None for item in items]
        for place in range(most)
    ]
    return [tidy(item.prediction or "") for item in items], wanted


class SacreBleu(CaptionMetric):
    """sacrebleu's corpus BLEU and chrF2, 0 to 100.

    Args:
        tokenizer: Name of a tokenizer of `emolit.text.tokenizer`; its language decides sacrebleu's.
    """

    names = ("sacreBLEU", "chrF")
    implementation = "sacrebleu"

    def __init__(self, tokenizer: str) -> None:
        super().__init__(tokenizer)
        self._signatures: dict[str, str] = {}

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return both scores."""
        captions, references = by_place(items)
        scorers = self._scorers()
        found = [scorer.corpus_score(captions, references).score for scorer in scorers]
        told = [str(scorer.get_signature()) for scorer in scorers]
        self._signatures = dict(zip(self.names, told, strict=True))
        return tuple(found)

    def _scorers(self) -> tuple[Any, ...]:
        from sacrebleu.metrics import BLEU, CHRF

        return BLEU(tokenize=tokenizer(self.tokenizer).sacrebleu), CHRF()

    def signatures(self) -> dict[str, str]:
        """Return sacrebleu's own signatures; none before `compute`."""
        return self._signatures

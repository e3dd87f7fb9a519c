"""Captions against their references: BLEU, ROUGE-L, CIDEr-D, emotions and others, by corpus."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from torch import Tensor, nn
from torchmetrics import Metric, MetricCollection

from emolit.errors import ConfigError, CorpusError
from emolit.evaluators.base import Evaluator, quiet
from emolit.judges.encoder import SentenceEncoder
from emolit.metrics.bleu import Bleu
from emolit.metrics.caption_counts import Written
from emolit.metrics.cider_d import CiderD
from emolit.metrics.distinct import Distinct
from emolit.metrics.embedding_similarity import EmbeddingSimilarity
from emolit.metrics.emotion_set_f1 import EmotionSetF1
from emolit.metrics.rouge_l import RougeL
from emolit.metrics.sacre_bleu import SacreBleu
from emolit.metrics.self_bleu import SelfBleu
from emolit.prompts import Prompt
from emolit.text.tokenizer import tokenizer as tokenizer_of
from emolit.types import Answer, Clip, Evaluation

SCORES = (Written, Bleu, RougeL, CiderD, EmotionSetF1, Distinct, SelfBleu, SacreBleu)
"""The house's scores; all share one state of gathered texts."""

Factory = Callable[[str], Metric]
"""Makes a torchmetrics class of the name of a tokenizer; the rest is set in its YAML."""


class Captions(Evaluator):
    """Scores captions: BLEU, ROUGE-L, CIDEr-D, emotion-set F1, Distinct, self-BLEU, chrF.

    An unreadable caption is an empty one, never left out; ``parse_rate`` stands beside. A clip
    without reference stops the evaluation.

    Args:
        tokenizer: How texts become tokens: ``zh-char``, ``zh-char-nopunct``, ``zh-jieba``,
            ``zh-jieba-nopunct``, ``en-13a`` or ``en-ptb``; part of every score's signature.
        encoder: Adds the embedding similarity in this sentence encoder's space; None leaves it out.
        metrics: Further classes, such as ``emolit.metrics.meteor.Meteor``, whose first argument is
            the name of the tokenizer and whose ``update`` takes captions and lists of references. A
            single number is logged under the class name, numbers by name under these.
    """

    def __init__(
        self,
        tokenizer: str = "zh-char",
        encoder: SentenceEncoder | None = None,
        metrics: list[Factory] | None = None,
    ) -> None:
        super().__init__()
        self.tokenizer = tokenizer
        tokenizer_of(tokenizer)("a")  # what it needs is missed now, not when the test has ended
        self.encoder = encoder
        self.factories = tuple(metrics or ())

    def build(self) -> "CaptionScores":
        """Return an empty set of metrics for one corpus."""
        return CaptionScores(self.tokenizer, self.encoder, self.factories)

    def check_prompt(self, prompt: Prompt) -> None:
        """Refuse a prompt that reads lists of words."""
        caption_of(prompt.parse(prompt.layout.replace("…", "glad"), ()))

    def update(self, evaluation: Evaluation) -> None:
        """Take the captions of one batch, each for the corpus of its clip."""
        clips = evaluation.batch.clips
        references = [references_of(clip) for clip in clips]
        captions = [caption_of(answer) for answer in evaluation.answers]
        for corpus in dict.fromkeys(clip.corpus for clip in clips):
            rows = [row for row, clip in enumerate(clips) if clip.corpus == corpus]
            some = [captions[row] for row in rows], [references[row] for row in rows]
            self._scores(corpus).update(*some)

    def compute(self) -> dict[str, Tensor]:
        """Return the scores of each corpus; NaN where there was no clip."""
        return {
            f"{corpus}/{name}": value
            for corpus in self.corpora
            for name, value in self._scores(corpus).compute().items()
        }

    @property
    def headline(self) -> tuple[str, ...]:
        """All scores that have a signature, and the parse rate; to be asked after `compute`."""
        names = (key.partition("/")[2] for key in self.signatures())
        return (*dict.fromkeys(names), "parse_rate")

    def signatures(self) -> dict[str, str]:
        """Return tokenizer, case, punctuation, references, implementation and version."""
        return {
            f"{corpus}/{name}": text
            for corpus in self.corpora
            for name, text in self._scores(corpus).signatures().items()
        }

    def _scores(self, corpus: str) -> "CaptionScores":
        return cast(CaptionScores, self.set_of(corpus))


class CaptionScores(nn.Module):
    """The metrics of one corpus: the house's on one state of texts, and others.

    Args:
        tokenizer: Its name.
        encoder: Adds the embedding similarity.
        factories: Makers of the user's metrics.
    """

    def __init__(
        self, tokenizer: str, encoder: SentenceEncoder | None, factories: Sequence[Factory]
    ) -> None:
        super().__init__()
        house = {score.__name__: score(tokenizer) for score in SCORES}
        self.house = MetricCollection(dict(house), compute_groups=[list(house)])
        similarity = [] if encoder is None else [EmbeddingSimilarity(encoder)]
        self.extra = nn.ModuleList([*similarity, *(make(tokenizer) for make in factories)])

    def update(self, captions: Sequence[str | None], references: Sequence[Sequence[str]]) -> None:
        """Take N captions, None where unreadable, and the references of each."""
        self.house.update(captions, references)
        for metric in self.extra:
            cast(Metric, metric).update(captions, references)

    def compute(self) -> dict[str, Tensor]:
        """Return every score.

        Raises:
            ConfigError: Two have one name.
        """
        with quiet():
            values: dict[str, Tensor] = dict(self.house.compute())
            for metric in self.extra:
                found = cast(Metric, metric).compute()
                named = found if isinstance(found, dict) else {type(metric).__name__: found}
                repeated = sorted(values.keys() & named.keys())
                if repeated:
                    raise ConfigError(
                        f"The metrics score {repeated} twice, under one log key; take one of "
                        "them out of `metrics`."
                    )
                values |= named
        return values

    def signatures(self) -> dict[str, str]:
        """Return those of all scores that have one."""
        found: dict[str, str] = {}
        for metric in (*self.house.values(), *self.extra):
            told: Any = getattr(metric, "signatures", dict)
            found |= told()
        return found


def references_of(clip: Clip) -> tuple[str, ...]:
    """Return the references of a clip.

    Raises:
        CorpusError: It has none.
    """
    if not clip.captions:
        raise CorpusError(
            f"The clip {clip.id!r} of {clip.corpus!r} has no reference caption and cannot be "
            "scored; give it one, leave it out, or use `predict`, which needs none."
        )
    return clip.captions


def caption_of(answer: Answer | None) -> str | None:
    """Return an answer that is a caption, or None.

    Raises:
        ConfigError: It is a list of words.
    """
    if answer is None or isinstance(answer, str):
        return answer
    raise ConfigError(
        f"The answer {answer!r} is a list of words and no caption; use a prompt that reads "
        "captions, such as `Caption`."
    )

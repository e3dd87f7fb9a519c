"""Any number of emotion words a clip: wheel scores, hit rate and what stands beside them."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from emolit import __version__
from emolit.affect.lexicon import Lexicon
from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.errors import CorpusError
from emolit.evaluators.base import Evaluator, quiet
from emolit.judges.word_extractor import WordExtractor
from emolit.metrics.hit_rate import HitRate
from emolit.metrics.wheel_f1 import Undefined, Unknown, WheelF1
from emolit.metrics.word_lists import WordLists
from emolit.types import Answer, Clip, Evaluation

PARITY = {"2025": ("free", "nan", "nan"), "2026": ("free", "zero", "zero")}
STRICT = ("wrong", "zero", "nan")
"""``unknown``, ``no_hit`` and ``no_sample`` of the modes."""


class OpenVocabulary(Evaluator):
    """Scores lists of emotion words on emotion wheels.

    Gold words are the clip's, or its label where it has none; clips with a label have a hit rate
    too. An answer that is a text and no list counts by the words that the lexicon spots in it; an
    unreadable one is a list without words. Scores depend on many choices: `signatures` says them.

    Args:
        lexicon: Groups the words; None takes `PackagedLexicon`. For scores comparable with
            published ones: `ReleasedTables`.
        wheels: Names of the wheels that count; None takes all.
        unknown: Whether predicted words that the lexicon does not know are ``wrong`` or ``free``.
        no_hit: F where precision and recall are 0.
        no_sample: The scores of a wheel on which no gold word has a group.
        extractor: Reads the words of an answer that is a text; None spots those of the lexicon.
    """

    parts = "per_wheel"
    headline = ("F1", "precision", "recall", "F1_ring2", "hit_rate", "length", "gold_length",
                "known", "parse_rate")  # fmt: skip

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        wheels: list[str] | None = None,
        unknown: Unknown = "wrong",
        no_hit: Undefined = "zero",
        no_sample: Undefined = "nan",
        extractor: WordExtractor | None = None,
    ) -> None:
        super().__init__()
        self.lexicon = PackagedLexicon() if lexicon is None else lexicon
        self.wheels = wheels
        self.rules = (unknown, no_hit, no_sample)
        self.extractor = extractor
        self.lexicon.places(wheels)  # a wheel that is not there is an error now, not after a fit

    def build(self) -> "OpenVocabularyScores":
        """Return an empty set of metrics for one corpus."""
        return OpenVocabularyScores(
            WheelF1(self.lexicon, self.wheels, *self.rules),
            HitRate(self.lexicon, self.wheels),
            WordLists(self.lexicon),
        )

    def scores(self) -> tuple[str, ...]:
        """Return the names of all scores, the hit rate of clips with a label included."""
        with quiet():
            return (*super().scores(), *HitRate(self.lexicon, self.wheels).compute())

    def update(self, evaluation: Evaluation) -> None:
        """Count the answers to one batch, each for the corpus of its clip."""
        clips = evaluation.batch.clips
        answers = self._words(evaluation.answers)
        golds = [gold_words(clip) for clip in clips]
        for clip, words, gold in zip(clips, answers, golds, strict=True):
            self._scores(clip.corpus).update(words, gold, clip.label)

    def compute(self) -> dict[str, Tensor]:
        """Return the scores of each corpus."""
        return {
            f"{corpus}/{name}": value
            for corpus in self.corpora
            for name, value in self._scores(corpus).compute().items()
        }

    def _scores(self, corpus: str) -> "OpenVocabularyScores":
        return cast(OpenVocabularyScores, self.set_of(corpus))

    def _words(self, answers: Sequence[Answer | None]) -> list[tuple[str, ...] | None]:
        """Return the words of lists and texts, None where an answer could not be read."""
        texts = list(dict.fromkeys(answer for answer in answers if isinstance(answer, str)))
        if self.extractor is None:
            words = [self.lexicon.find_words(text) for text in texts]
        else:
            words = self.extractor.extract(texts, self.anchor.device)
        found = dict(zip(texts, words, strict=True))
        return [found[each] if isinstance(each, str) else each for each in answers]

    def signatures(self) -> dict[str, str]:
        """Return lexicon, ring, wheels, mode and rules: the same for all scores of the headline."""
        told = self._signature()
        return {f"{corpus}/{name}": told for corpus in self.corpora for name in self.headline}

    def _signature(self) -> str:
        unknown, no_hit, no_sample = self.rules
        parts = [
            "wheelF",
            self.lexicon.tag,
            "ring:1",
            f"wheels:{'all' if self.wheels is None else ','.join(self.wheels)}",
            f"mode:{mode(self.lexicon, self.rules)}",
            f"unknown:{unknown}",
            f"neutral:{self.lexicon.neutral}",
            f"no_hit:{no_hit}",
            f"no_sample:{no_sample}",
            f"extract:{'lexicon' if self.extractor is None else self.extractor.checkpoint}",
            f"emolit:{__version__}",
        ]
        return "|".join(parts)


def mode(lexicon: Lexicon, rules: tuple[str, str, str]) -> str:
    """Return ``parity`` or ``strict`` where all rules are those of the mode, else ``own``."""
    parity = {f"tables:{version}|own:no": of for version, of in PARITY.items()}
    if lexicon.neutral == "unknown" and parity.get(lexicon.tag) == rules:
        return "parity"
    ours = lexicon.neutral != "unknown" and not lexicon.tag.endswith("own:no")
    return "strict" if ours and rules == STRICT else "own"


def gold_words(clip: Clip) -> tuple[str, ...]:
    """Return the clip's words, or its label where it has none.

    Raises:
        CorpusError: It has neither.
    """
    if clip.emotions:
        return clip.emotions
    raise CorpusError(
        f"The clip {clip.id!r} of {clip.corpus!r} has neither words nor a label and cannot be "
        "scored; give it some, leave it out, or use `predict`, which needs none."
    )


class OpenVocabularyScores(nn.Module):
    """The metrics of one corpus.

    Args:
        wheels: Wheel scores.
        hits: Hit rate of clips with a label.
        lists: What stands beside.
    """

    def __init__(self, wheels: WheelF1, hits: HitRate, lists: WordLists) -> None:
        super().__init__()
        self.wheels = wheels
        self.hits = hits
        self.lists = lists

    def update(
        self, words: tuple[str, ...] | None, gold: tuple[str, ...], label: str | None
    ) -> None:
        """Take the words of one clip; None where the answer could not be read."""
        given = words or ()
        self.wheels.update([given], [gold])
        self.lists.update([words], [gold])
        if label is not None:
            self.hits.update([given], [label])

    def compute(self) -> dict[str, Tensor]:
        """Return every score as a float64 scalar; a hit rate only if there are labels."""
        with quiet():
            hits = self.hits.compute()
            found = {**self.wheels.compute(), **self.lists.compute()}
        return found | (hits if hits["labeled"] > 0 else {})

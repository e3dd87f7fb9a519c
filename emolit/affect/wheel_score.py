"""How well one list of emotion words meets another on emotion wheels: the score of one sample.

``EW(a, y)`` is the mean, over the wheels on which a word of y has a group, of the F of the two sets
of groups. It is a reward and a basis for paired tests, not the published score of a corpus, which
is made of means (`emolit.metrics.wheel_f1`). AffectGPT-R1 does not publish its form; affect_r1
(vhzy/HumanOmniV2) takes the same mean over five wheels, inner ring. Leaving out wheels without a
gold group is ours.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

from emolit.affect.lexicon import Lexicon, Match, matches
from emolit.affect.packaged_lexicon import PackagedLexicon
from emolit.types import Answer

Measure = Literal["F1", "precision", "recall"]
Unknown = Literal["wrong", "free"]
PLACES = {"precision": 0, "recall": 1, "F1": 2}


class WheelScore:
    """Scores words against gold words.

    Args:
        lexicon: Groups the words; None takes `PackagedLexicon`.
        wheels: Names of the wheels that count; None takes all.
        ring: 1, the inner one, or 2.
        measure: ``F1``, ``precision`` or ``recall``.
        unknown: Whether words that the lexicon does not know are ``wrong`` or ``free``.

    Raises:
        ConfigError: The lexicon has no such wheel or ring.

    Example:
        >>> score = WheelScore(wheels=["roberts"])
        >>> score(("angry", "sad"), ("mad", "furious")), score(("sad",), ("xyzzy",))
        (0.6666666666666666, None)
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        wheels: Sequence[str] | None = None,
        ring: int = 1,
        measure: Measure = "F1",
        unknown: Unknown = "free",
    ) -> None:
        self.lexicon = PackagedLexicon() if lexicon is None else lexicon
        self.columns = self.lexicon.places(wheels, ring)
        self.place = PLACES[measure]
        self.unknown = unknown

    def __call__(self, words: Iterable[str], gold: Iterable[str]) -> float | None:
        """Return the score, 0 to 1; None where no gold word has a group on any wheel."""
        found = self.matches(words, gold)
        scores = [match[self.place] for match in found if match is not None]
        return sum(scores) / len(scores) if scores else None

    def matches(self, words: Iterable[str], gold: Iterable[str]) -> list[Match | None]:
        """Return how words meet gold words on each wheel; None where no gold word has a group."""
        wanted, _ = self.lexicon.rows(gold)
        given, strange = self.lexicon.rows(words)
        return matches(wanted, given, self.columns, strange if self.unknown == "wrong" else 0)

    def words(self, answer: Answer | None) -> tuple[str, ...]:
        """Return the words of a list, those that are spotted in a text, or none."""
        if isinstance(answer, str):
            return self.lexicon.find_words(answer)
        return answer or ()

    def find_words(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the words that are spotted in any of some texts, such as several references."""
        return tuple(word for text in texts for word in self.lexicon.find_words(text))

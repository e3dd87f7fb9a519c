"""Emotion-set F1: whether a caption names the emotions that its references name. Ours.

Not the "Emo-F1" that is told of MECap-R1, whose definition nobody knows. The emotion words that a
lexicon spots in a caption and in all references of its clip become groups of the inner rings of
emotion wheels; on each wheel, over the N clips whose references have a group there,

    P = mean |G n Q| / |Q|,   R = mean |G n Q| / |G|,   F = 2 P R / (P + R)

with Q the groups of the caption and G those of the references, taken together: a caption need not
choose between what two people heard. Scores are means over the wheels that have such clips. A
caption without emotion word has P = R = 0, so has one that could not be read. A clip whose
references name no emotion is left out and counted in ``emotion_set_left_out``; without any other
clip the scores are NaN. Spotting is literal: "not happy" names happy, unless the lexicon knows the
phrase. `emolit.rewards.emotion_words` is the score of one caption, whose mean is another number.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emolit import __version__
from emolit.affect.lexicon import Lexicon
from emolit.affect.wheel_score import WheelScore
from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.metrics.wheel_f1 import set_scores

Array = NDArray[Any]


def match_sets(ew: WheelScore, caption: str | None, references: Sequence[str]) -> Array:
    """Return precision, recall and 1 on each wheel where the references have a group, else 0.

    Over clips it adds up.

    Returns:
        ``[W, 3]``
    """
    found = ew.matches(ew.words(caption), ew.find_words(references))
    return np.array([(0, 0, 0) if one is None else (*one[:2], 1) for one in found], dtype=float)


def emotion_set_scores(sums: Array) -> Array:
    """Return precision, recall and F1 of added tallies; NaN where no clip counts.

    Args:
        sums: ``[..., W, 3]``

    Returns:
        ``[..., 3]``

    Example:
        >>> one_clip_hit_in_half = np.array([[1.0, 0.5, 1.0], [0.0, 0.0, 0.0]])
        >>> emotion_set_scores(one_clip_hit_in_half).round(3)
        array([1.   , 0.5  , 0.667])
    """
    tallies = torch.from_numpy(sums)
    by_wheel = set_scores(tallies[..., :2], tallies[..., 2])
    found: Array = by_wheel.nanmean(-2).numpy()
    return found


class EmotionSetF1(CaptionMetric):
    """Emotion-set F1 with its precision and recall, and how many clips were left out.

    Args:
        tokenizer: Without effect; all scores of captions are made from its name.
        lexicon: Spots and groups the words; None takes `PackagedLexicon`.
        wheels: Names of the wheels that count; None takes all.
    """

    names = ("emotion_set_F1", "emotion_set_precision", "emotion_set_recall",
             "emotion_set_left_out")  # fmt: skip
    implementation = "emolit"

    def __init__(
        self, tokenizer: str, lexicon: Lexicon | None = None, wheels: list[str] | None = None
    ) -> None:
        super().__init__(tokenizer)
        self.ew = WheelScore(lexicon, wheels)
        self.wheels = "all" if wheels is None else ",".join(wheels)

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the four numbers."""
        tallies = np.stack([match_sets(self.ew, *item) for item in items])
        precision, recall, f1 = emotion_set_scores(tallies.sum(0)).tolist()
        left_out = int((tallies[..., 2].max(-1) == 0).sum())
        return f1, precision, recall, left_out

    def signatures(self) -> dict[str, str]:
        """Return which words and wheels made the scores; the tokenizer has no part in them."""
        how = f"{self.ew.lexicon.tag}|ring:1|wheels:{self.wheels}|neutral:{self.ew.lexicon.neutral}"
        end = f"gold:union|refs:{self.spread}|impl:{self.implementation}|emolit:{__version__}"
        return {name: f"{name}|{how}|{end}" for name in self.names}

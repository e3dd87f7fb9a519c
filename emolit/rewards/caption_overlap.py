"""Reward for the words of a reference: BLEU-4, ROUGE-L or CIDEr-D of one caption."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from emolit.errors import ConfigError
from emolit.metrics.bleu import bleu, bleu_counts
from emolit.metrics.cider_d import Frequencies, cider_d
from emolit.metrics.rouge_l import rouge_l
from emolit.prompts import Prompt
from emolit.rewards.base import Reward, Weight
from emolit.text.tokenizer import Tokens, tokenizer
from emolit.text.words import text_of
from emolit.types import Answer, Clip

Measure = Literal["BLEU_4", "ROUGE_L", "CIDEr_D"]


class CaptionOverlap(Reward):
    """A metric of captions as a reward, 0 to 1 (self-critical training, arXiv 1612.00563).

    An unreadable answer is worth 0; it does not apply to clips without captions. CIDEr-D is
    divided by 10. It saturates on stock phrases: watch Distinct and self-BLEU.

    Args:
        overlap: ``BLEU_4``, ``ROUGE_L`` or ``CIDEr_D``, as in `emolit.metrics`, of one caption.
        tokenizer: How texts become tokens (`emolit.text.tokenizer`).
        frequencies: For CIDEr-D: a UTF-8 text file of the references that say how rare n-grams
            are, those of the training part; a line a clip, tabs between its references.
        weight: Factor in the total.
        name: Key in logs and predictions.

    Raises:
        ConfigError: CIDEr-D has no file, another measure has one, or a name is unknown.
    """

    def __init__(
        self,
        overlap: Measure = "ROUGE_L",
        tokenizer: str = "zh-char",
        frequencies: str | None = None,
        weight: Weight = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(weight, name)
        if (overlap == "CIDEr_D") != (frequencies is not None):
            raise ConfigError(
                f"The reward {self.name!r} has overlap {overlap!r} and frequencies "
                f"{frequencies!r}; CIDEr_D needs a file of references, the others none."
            )
        self.overlap = overlap
        self.tokenizer = tokenizer
        self.file = frequencies

    def prepare(self, prompt: Prompt) -> None:
        """Read the file of references, if there is one."""
        if self.file is not None:
            _ = self.frequencies

    @cached_property
    def frequencies(self) -> Frequencies:
        """How rare n-grams are.

        Raises:
            ConfigError: The file is missing or says nothing.
        """
        file = Path(self.file or "")
        lines = file.read_text(encoding="utf-8-sig").splitlines() if file.is_file() else []
        split = tokenizer(self.tokenizer)
        found = Frequencies.count(
            [split(text) for text in line.split("\t")] for line in lines if line.strip()
        )
        if found.items < 2:
            raise ConfigError(
                f"The file of references {self.file!r} of the reward {self.name!r} has "
                f"{found.items} lines; write one a clip, tabs between its references."
            )
        return found

    def score(self, clip: Clip, response: str, answer: Answer | None) -> float | None:
        """Return the overlap with the references.

        Example:
            >>> clip = Clip("a", "toy", "a.wav", captions=("声音低沉", "语速慢"))
            >>> CaptionOverlap().score(clip, "", "语速慢")
            1.0
        """
        if not clip.captions:
            return None
        split = tokenizer(self.tokenizer)
        return self._overlaps(split(text_of(answer)), [split(text) for text in clip.captions])

    def _overlaps(self, caption: Tokens, references: list[list[str]]) -> float:
        measures = {
            "BLEU_4": lambda: float(bleu(bleu_counts(caption, references))[3]),
            "ROUGE_L": lambda: rouge_l(caption, references),
            "CIDEr_D": lambda: cider_d(caption, references, self.frequencies) / 10,
        }
        return measures[self.overlap]()

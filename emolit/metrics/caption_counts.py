"""How many clips were captioned, and how many of the captions could be read."""

from collections.abc import Sequence

from torch import Tensor

from emolit.metrics.caption_base import CaptionMetric, Item


class Written(CaptionMetric):
    """Number of clips, share of readable captions, and references a clip.

    Args:
        tokenizer: Without effect; all scores of captions are made from its name.
    """

    names = ("n", "parse_rate", "references")

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return the three numbers."""
        readable = sum(item.prediction is not None for item in items)
        references = sum(len(item.references) for item in items)
        return (len(items), readable / len(items), references / len(items))

    def compute(self) -> dict[str, Tensor]:
        """Return the numbers; before any caption n is 0, and the others NaN."""
        found = super().compute()
        return {**found, "n": found["n"].nan_to_num(0.0)}

    def signatures(self) -> dict[str, str]:
        """Return nothing: there is no choice in these numbers."""
        return {}

"""How many clips were captioned, and how many of the captions could be read."""

from collections.abc import Sequence

from emolit.metrics.captioned import Captioned, Item


class Written(Captioned):
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

    def signatures(self) -> dict[str, str]:
        """Return nothing: there is no choice in these numbers."""
        return {}

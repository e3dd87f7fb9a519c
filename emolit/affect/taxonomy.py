"""Ordered label sets and label maps: where a feeling becomes an integer.

Only evaluators speak integers; prompts, rewards and files speak these names.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from emolit.errors import ConfigError, CorpusError

CANONICAL = (
    "angry", "happy", "neutral", "sad", "fear", "disgust", "surprise",
    "calm", "excited", "boredom", "contempt", "frustrated", "worried", "other",
)  # fmt: skip
"""Names that every corpus maps its own labels to (order: the common sets first)."""


class Taxonomy:
    """An ordered set of labels; the order is the class index and the order of options.

    A plain class, no dataclass: the command line would take a dataclass apart into settings.

    Args:
        labels: K distinct names.

    Raises:
        CorpusError: A name is empty or stands twice.

    Example:
        >>> Taxonomy(("angry", "sad")).index("sad")
        1
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = tuple(labels)
        repeated = sorted(name for name, count in Counter(self.labels).items() if count > 1)
        if repeated:
            raise CorpusError(
                f"The label set {list(self.labels)} repeats {repeated}; name every label once."
            )
        if any(not name.strip() for name in self.labels):
            raise CorpusError(f"The label set {list(self.labels)} has an empty name; remove it.")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Taxonomy) and self.labels == other.labels

    def __hash__(self) -> int:
        return hash(self.labels)

    def __repr__(self) -> str:
        return f"Taxonomy({self.labels})"

    def __len__(self) -> int:
        """Return K."""
        return len(self.labels)

    def __contains__(self, label: object) -> bool:
        """Tell whether a label belongs to the set."""
        return label in self.labels

    def index(self, label: str) -> int:
        """Return the class index of a label.

        Raises:
            CorpusError: The label is not in the set.
        """
        if label not in self.labels:
            raise CorpusError(
                f"The label {label!r} is not among {list(self.labels)}; "
                "add it to `labels` or map it with `label_map`."
            )
        return self.labels.index(label)


def merge(label: str, label_map: Mapping[str, str]) -> str:
    """Apply a user's label map, for example ``{"calm": "neutral"}``, once (no chains)."""
    return label_map.get(label, label)


def check_map(corpus: str, labels: Collection[str], label_map: Mapping[str, str]) -> None:
    """Refuse a label map that renames what a corpus does not have.

    Args:
        corpus: Its name.
        labels: What it has; empty where that is not known yet.
        label_map: A user's.

    Raises:
        ConfigError: Names the labels.
    """
    unknown = [label for label in label_map if label not in labels]
    if unknown and labels:
        raise ConfigError(
            f"`label_map` of {corpus!r} renames {unknown}, which the corpus does not have; "
            f"it has {list(labels)}."
        )


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort labels: canonical names in their order, then all others alphabetically.

    Example:
        >>> in_order(["sad", "zany", "angry"])
        ('angry', 'sad', 'zany')
    """
    found = set(labels)
    known = [name for name in CANONICAL if name in found]
    return (*known, *sorted(found.difference(known)))

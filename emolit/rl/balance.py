"""Weights of clips by how rare their label is in training."""

from collections.abc import Mapping


def label_weights(counts: Mapping[str, int], balance: float) -> dict[str, float]:
    """Return the weight of each label: in proportion to ``n ** -balance``, 1 on average over clips.

    At balance 1 every label weighs as much as any other, taken over all its clips.

    Args:
        counts: Training clips of each label, 1 or more.
        balance: 0 weighs all clips alike, 1 all labels.

    Example:
        >>> label_weights({"sad": 1, "neutral": 3}, 1.0)
        {'sad': 2.0, 'neutral': 0.6666666666666666}
    """
    raw = {label: count**-balance for label, count in counts.items()}
    mean = sum(raw[label] * count for label, count in counts.items()) / sum(counts.values())
    return {label: weight / mean for label, weight in raw.items()}

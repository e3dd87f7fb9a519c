"""Votes of raters about a clip: emotion to number of raters."""

from collections import Counter
from collections.abc import Mapping

from emolit.affect.taxonomy import merge

NO_AGREEMENT = "no agreement"
"""Label of a clip on which raters did not agree; no label set has it."""


def majority(votes: Mapping[str, int]) -> str:
    """Return the one label with most votes, or that there is none.

    Example:
        >>> majority({"sad": 4, "neutral": 5}), majority({"sad": 4, "neutral": 4})
        ('neutral', 'no agreement')
    """
    most = max(votes.values(), default=0)
    winners = [label for label, count in votes.items() if count == most]
    return winners[0] if len(winners) == 1 else NO_AGREEMENT


def merge_votes(votes: Mapping[str, int], label_map: Mapping[str, str]) -> dict[str, int]:
    """Apply a user's label map to votes; those of labels that become one are added.

    Example:
        >>> merge_votes({"calm": 2, "neutral": 1, "sad": 4}, {"calm": "neutral"})
        {'neutral': 3, 'sad': 4}
    """
    total = Counter[str]()
    for label, count in votes.items():
        total[merge(label, label_map)] += count
    return dict(total)

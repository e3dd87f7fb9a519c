"""MER-UniBench: one number out of nine sets (AffectGPT, https://arxiv.org/abs/2501.16566)."""

from collections.abc import Mapping

from emolit.errors import ConfigError

PRIMARY = {
    "mer2023": "hit_rate",
    "mer2024": "hit_rate",
    "meld": "hit_rate",
    "iemocap": "hit_rate",
    "cmu_mosi": "weighted_F1",
    "cmu_mosei": "weighted_F1",
    "ch_sims": "weighted_F1",
    "ch_sims_v2": "weighted_F1",
    "ov_merd_plus": "F1",
}
"""The score that counts of each set, in the order of published tables."""


def unibench(scores: Mapping[str, float]) -> float:
    """Return the plain mean of the nine primary scores.

    Args:
        scores: The primary score of each set of `PRIMARY`.

    Raises:
        ConfigError: A set is missing or strange: a mean of others is another number.

    Example:
        >>> unibench({name: place for place, name in enumerate(PRIMARY)})
        4.0
    """
    odd = sorted(set(PRIMARY).symmetric_difference(scores))
    if odd:
        raise ConfigError(
            f"The total of MER-UniBench is the mean of {list(PRIMARY)}; {odd} differ. Score every "
            "set, and no other."
        )
    return sum(scores.values()) / len(scores)

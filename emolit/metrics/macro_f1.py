"""Macro-F1: the mean F1 of the classes that occur."""

from torch import Tensor

from emolit.metrics.base import CountMetric, f1, mean_over_present


def macro_f1(counts: Tensor) -> Tensor:
    """Return the mean over classes with truths of F1_c. ``[..., K, K+1]`` -> ``[...]``.

    Deviates from scikit-learn's default, which also averages over classes that are only answered:
    a prediction of an absent class costs the others' precision here, not a whole class.
    """
    return mean_over_present(f1(counts))


class MacroF1(CountMetric):
    """Macro-F1: every class that occurs counts alike."""

    def compute(self) -> Tensor:
        """Return macro-F1, NaN before any clip."""
        return macro_f1(self.counts)

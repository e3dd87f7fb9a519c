"""Unweighted accuracy (UA): the mean recall of the classes that occur."""

from torch import Tensor

from emolit.metrics.base import CountMetric, mean_over_present, recall


def unweighted_recall(counts: Tensor) -> Tensor:
    """Return the mean over classes with truths of h_c / n_c. ``[..., K, K+1]`` -> ``[...]``.

    Equals scikit-learn's ``balanced_accuracy_score``, and so EmoBox's UA. torchmetrics' macro
    recall also averages over classes that are only answered, which then score 0.
    """
    return mean_over_present(recall(counts))


class UnweightedRecall(CountMetric):
    """Unweighted accuracy (UA): every class that occurs counts alike."""

    def compute(self) -> Tensor:
        """Return UA, NaN before any clip."""
        return unweighted_recall(self.counts)

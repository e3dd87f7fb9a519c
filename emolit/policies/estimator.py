"""A classifier that is fitted to all training clips at once, without gradients."""

from abc import ABC, abstractmethod

from torch import Tensor

from emolit.policies.classifier import Classifier
from emolit.types import Batch


class Estimator(Classifier, ABC):
    """Fits in one go what `EstimatorFitting` has collected from the training clips."""

    @abstractmethod
    def measure(self, batch: Batch) -> Tensor:
        """Return what is fitted of each clip, on the host. ``[B, D]``."""

    def truths(self, batch: Batch) -> Tensor:
        """Return what each clip should be answered with, an index into ``labels``. ``[B]``."""
        return self.encode_targets(batch).tokens[:, 0, 0].cpu()

    @abstractmethod
    def fit(self, features: Tensor, labels: Tensor) -> None:
        """Fit.

        Args:
            features: Of all training clips. ``[N, D]``
            labels: Their `truths`. ``[N]`` int64
        """

    @abstractmethod
    def predict(self, features: Tensor) -> Tensor:
        """Return a score for each label. ``[N, D]`` -> ``[N, K]``."""

    def logits(self, batch: Batch) -> Tensor:
        """Return a score for each label. ``[B, K]``."""
        return self.predict(self.measure(batch)).to(self.nowhere.device)

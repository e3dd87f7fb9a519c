"""A classifier that is fitted to all training clips at once, without gradients."""

from abc import ABC, abstractmethod

from torch import Tensor

from emolit.errors import ConfigError
from emolit.policies.classifier import Classifier
from emolit.types import Batch


class Estimator(Classifier, ABC):
    """Fits in one go what `EstimatorFitting` has collected from the training clips.

    Attributes:
        fitted: Whether it was, in this process.
    """

    fitted = False

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


def check_cost(policy: Estimator, cost: float | None) -> None:
    """Refuse a C that makes no sense.

    Raises:
        ConfigError: It is not above 0.
    """
    if cost is not None and not 0 < cost < float("inf"):
        raise ConfigError(f"`cost` of {type(policy).__name__} is {cost:g}; give a number above 0.")

"""The label that most training clips have, for every clip: the floor of a table."""

from typing import Any

import torch
from torch import Tensor

from emolit.affect.taxonomy import Taxonomy
from emolit.policies.estimator import Estimator
from emolit.types import Batch


class Majority(Estimator):
    """Answers every clip with the most frequent label, of several the first; it hears nothing.

    Its probabilities are the shares of the labels, each counted once more than it occurs.

    Args:
        checkpoint: A folder that training wrote; None counts anew.
        taxonomy: Labels; linked by the command line, do not set it here.
    """

    counts: Tensor

    def __init__(self, checkpoint: str | None = None, taxonomy: Taxonomy | None = None) -> None:
        super().__init__(checkpoint, taxonomy)

    def new_settings(self) -> dict[str, Any]:
        """Return nothing: there is nothing to choose."""
        return {}

    def make(self, seed: int) -> None:
        """Make the counts of the labels."""
        self.register_buffer("counts", torch.zeros(len(self.labels), dtype=torch.long))

    def measure(self, batch: Batch) -> Tensor:
        """Return nothing of each clip. ``[B, 0]``."""
        return torch.empty(len(batch), 0)

    def fit(self, features: Tensor, labels: Tensor) -> None:
        """Count the labels."""
        self.counts.copy_(labels.bincount(minlength=len(self.labels)))

    def predict(self, features: Tensor) -> Tensor:
        """Return the logarithm of the shares, the same for every clip. ``[N, K]``."""
        shares = (self.counts + 1).double() / (self.counts.sum() + len(self.labels))
        return shares.log().float().expand(len(features), -1)

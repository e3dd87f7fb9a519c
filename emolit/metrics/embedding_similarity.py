"""Embedding similarity: the cosine of caption and reference in a sentence encoder's space.

The score that SECap reports (https://arxiv.org/abs/2312.10381), there over the best of several
sampled captions; here over the one that was given, the nearest reference counts, and a caption
that could not be read is worth 0. Numbers of two encoders have nothing to do with each other.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torchmetrics import Metric

from emolit import __version__
from emolit.judges.encoder import SentenceEncoder


def similarities(
    encoder: SentenceEncoder,
    captions: Sequence[str | None],
    references: Sequence[Sequence[str]],
    device: torch.device | str = "cpu",
) -> Tensor:
    """Return the largest cosine of each caption and its references.

    It is 0 where the caption is None or blank, and to a blank reference.

    Args:
        encoder: The sentence model.
        captions: N texts.
        references: N lists of texts.
        device: Where the model computes.

    Returns:
        On the host. ``[N]`` float64
    """
    given = {text for some in (*references, captions) for text in some if text and text.strip()}
    texts = sorted(given)
    # in float64, which autocast leaves alone
    found = encoder.encode(texts, device).double() if texts else ()
    vectors = dict(zip(texts, found, strict=True))

    def cosine(said: str | None, wanted: str) -> float:
        if said is None or not {said, wanted} <= given:
            return 0.0
        return float(vectors[said] @ vectors[wanted])

    pairs = zip(captions, references, strict=True)
    nearest = [max(cosine(said, wanted) for wanted in some) for said, some in pairs]
    return torch.tensor(nearest, dtype=torch.float64)


class EmbeddingSimilarity(Metric):
    """Mean cosine of caption and nearest reference, -1 to 1.

    Args:
        encoder: The sentence model; it must know the language of the captions.

    Attributes:
        total: Sum of the cosines; summed over processes. ``[]`` float64
        count: Number of captions; summed over processes. ``[]`` int64
    """

    is_differentiable = False
    full_state_update = False
    higher_is_better = True
    names = ("embedding_similarity",)
    total: Tensor
    count: Tensor

    def __init__(self, encoder: SentenceEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(
        self, predictions: Sequence[str | None], references: Sequence[Sequence[str]]
    ) -> None:
        """Take N captions and the references of each."""
        found = similarities(self.encoder, predictions, references, self.total.device)
        self.total = self.total + found.sum().to(self.total.device)
        self.count = self.count + len(found)

    def compute(self) -> dict[str, Tensor]:
        """Return the mean, float64; NaN before any caption."""
        return dict.fromkeys(self.names, self.total / self.count)

    def signatures(self) -> dict[str, str]:
        """Return which encoder made the score: its name, and the beginning of its fingerprint."""
        model = f"{Path(self.encoder.checkpoint).name}@{self.encoder.fingerprint[:8]}"
        layers = "" if self.encoder.layers is None else f"|layers:{self.encoder.layers}"
        how = f"encoder:{model}|pooling:{self.encoder.pooling}{layers}|refs:nearest"
        return {name: f"{name}|{how}|impl:emolit|emolit:{__version__}" for name in self.names}

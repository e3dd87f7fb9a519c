"""BERTScore: tokens of caption and reference matched greedily by the cosine of their states.

Zhang et al. 2020, https://arxiv.org/abs/1904.09675: precision is the mean over the caption's tokens
of the largest cosine with any of the reference's, recall the same the other way round. Without
weights by document frequency and without rescaling to a baseline; of several references the best
counts, for each number by itself, as in the authors' package bert-score. What the tokenizer puts
around a text ([CLS], [SEP]) is neither averaged over nor matched with. In bert-score 0.3.13 it has
weight 0 in the means, but a token may still find its largest cosine there, so that precision and
recall of bert-score are never lower than these. torchmetrics leaves it out as we do; its function
is not used: in 1.9 it scores captions against references of other clips when their lengths differ.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from emolit import __version__
from emolit.errors import ConfigError
from emolit.judges.encoder import TextEncoder
from emolit.metrics.caption_base import CaptionMetric, Item
from emolit.text.tokenizer import tidy

AT_ONCE = 256
"""Pairs whose states are held in memory together."""

Pair = tuple[str, str]


class BertScore(CaptionMetric):
    """Mean precision, recall and F of BERTScore, at most 1.

    The model reads texts as its own tokens, in their case and with their punctuation, and cuts what
    is longer than it reads. A caption without tokens, or to a reference without any, is worth 0.

    Args:
        tokenizer: Name of a tokenizer, as all scores of captions take it; changes nothing.
        checkpoint: A folder, or a hub id, of a text model that knows the language.
        layer: Whose states are compared, 0 the embeddings, 1 the first layer, None the last; which
            one agrees best with people is known for some models (bert-score's ``model2layers``).
        batch_size: Texts of one length that are computed together.
    """

    names = ("BERTScore_P", "BERTScore_R", "BERTScore_F1")
    implementation = "emolit"

    def __init__(
        self, tokenizer: str, checkpoint: str, layer: int | None = None, batch_size: int = 32
    ) -> None:
        super().__init__(tokenizer)
        self.settings = (checkpoint, layer, batch_size)

    def update(
        self, predictions: Sequence[str | None], references: Sequence[Sequence[str]]
    ) -> None:
        """Take N captions and the references of each; a model that does not load stops the run."""
        _states(*self.settings)
        super().update(predictions, references)

    def score(self, items: Sequence[Item]) -> tuple[float, ...]:
        """Return precision, recall and F."""
        texts = [(tidy(said or ""), [tidy(text) for text in some]) for said, some in items]
        scores = self._match_tokens({(said, wanted) for said, some in texts for wanted in some})
        best = [torch.stack([scores[said, wanted] for wanted in some]) for said, some in texts]
        return tuple(torch.stack([each.amax(0) for each in best]).mean(0).tolist())

    def signatures(self) -> dict[str, str]:
        """Return model, layer and what else decides the scores, after `compute`."""
        states = _states(*self.settings)
        model = f"{Path(states.checkpoint).name}@{states.fingerprint[:8]}"
        layer = "last" if states.layer is None else states.layer
        how = f"model:{model}|layer:{layer}|idf:no|rescaled:no|refs:{self.spread}"
        end = f"impl:{self.implementation}|emolit:{__version__}"
        return {name: f"{name}|{how}|{end}" for name in self.names}

    def _match_tokens(self, pairs: set[Pair]) -> dict[Pair, Tensor]:
        """Return precision, recall and F of each pair."""
        found = {pair: torch.zeros(3, dtype=torch.float64) for pair in pairs}
        written = sorted(pair for pair in pairs if all(pair))
        for start in range(0, len(written), AT_ONCE):
            some = written[start : start + AT_ONCE]
            texts = sorted({text for pair in some for text in pair})
            states = _states(*self.settings).encode_each(texts, self.device)
            of = dict(zip(texts, states, strict=True))
            found |= {(said, wanted): greedy(of[said], of[wanted]) for said, wanted in some}
        return found


def greedy(caption: Tensor, reference: Tensor) -> Tensor:
    """Return precision, recall and F of greedy matching; 0 without tokens.

    Args:
        caption: Vectors of unit length. ``[T, D]``
        reference: The same. ``[S, D]``

    Returns:
        ``[3]`` float64

    Example:
        >>> greedy(torch.eye(2), torch.eye(2)[:1]).tolist()
        [0.5, 1.0, 0.6666666666666666]
    """
    if not len(caption) or not len(reference):
        return torch.zeros(3, dtype=torch.float64)
    cosines = (caption @ reference.T).double()
    precision, recall = cosines.amax(1).mean(), cosines.amax(0).mean()
    total = precision + recall
    f1 = 2 * precision * recall / total if total > 0 else torch.zeros_like(total)
    return torch.stack([precision, recall, f1])


class TokenStates(TextEncoder):
    """States of a text's tokens in one layer, of unit length, special tokens left out.

    Args:
        checkpoint: A folder, or a hub id.
        layer: 0 the embeddings, None the last.
        batch_size: Texts of one length that are computed together.
    """

    auto_class = "AutoModel"
    optional = ("pooler.",)

    def __init__(self, checkpoint: str, layer: int | None = None, batch_size: int = 32) -> None:
        super().__init__(checkpoint, batch_size)
        self.layer = layer

    def settings(self) -> object:
        """Return the layer."""
        return self.layer

    def compute(self, given: Any) -> Tensor:
        """Return the states of a batch of texts. ``[B, T, D]``."""
        return self.read(self.model(**given, output_hidden_states=True))

    def read(self, output: Any) -> Tensor:
        """Return the states of all tokens but those that the tokenizer puts around a text.

        Raises:
            ConfigError: The model has no such layer.
        """
        layers = output.hidden_states
        place = len(layers) - 1 if self.layer is None else self.layer
        if not 0 <= place < len(layers):
            raise ConfigError(
                f"BERTScore asks for the layer {place} of {self.checkpoint!r}, which has the "
                f"layers 0 to {len(layers) - 1}; set `layer` to one of them."
            )
        front, back = self._ends()
        states = layers[place][:, front : layers[place].shape[1] - back]
        return torch.nn.functional.normalize(states.float(), dim=-1)

    def _ends(self) -> tuple[int, int]:
        """Return how many special tokens stand before and behind a text."""
        special = self.reader("a", return_special_tokens_mask=True)["special_tokens_mask"]
        return special.index(0), special[::-1].index(0)


@lru_cache(maxsize=1)
def _states(checkpoint: str, layer: int | None, batch_size: int) -> TokenStates:
    """Return the model, loaded and tried once for all corpora and epochs."""
    states = TokenStates(checkpoint, layer, batch_size)
    states.encode_each(["a"])
    return states

"""Reward for saying what a reference caption says."""

import torch
from torch import Tensor

from emolit.judges.encoder import SentenceEncoder
from emolit.judges.guard import Guard
from emolit.rewards.base import BatchedReward, Weight
from emolit.text.words import text_of
from emolit.types import Rollout


class SemanticSimilarity(BatchedReward):
    """``(1 + cos) / 2`` of the sentence embeddings of answer and reference caption.

    Of several captions the nearest counts. An unreadable or empty answer is worth 0; it does not
    apply to clips without captions. MECap-R1 rewards captions by such a cosine; its formula is not
    published.

    Args:
        encoder: The sentence model; it must know the language of the captions.
        weight: Factor in the total.
        name: Key in logs and predictions.
        guard: Time limit of a rollout, and what a failure does.
    """

    def __init__(
        self,
        encoder: SentenceEncoder,
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name, guard)
        self.encoder = encoder

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        clips, answers = rollout.batch.clips, rollout.answers
        said = [[text_of(answer) for answer in group] for group in answers]
        texts = sorted({text for clip in clips for text in clip.captions}.union(*said) - {""})
        scores = torch.full((len(clips), rollout.group_size), float("nan"), dtype=torch.float32)
        if not any(clip.captions for clip in clips):
            return scores
        vectors = dict(zip(texts, self.encoder.encode(texts, rollout.tokens.device), strict=True))
        for row, clip in enumerate(clips):
            if clip.captions:
                wanted = torch.stack([vectors[text] for text in clip.captions])
                cosines = [
                    float((wanted @ vectors[text]).max()) if text else -1.0 for text in said[row]
                ]
                scores[row] = (1 + torch.tensor(cosines, dtype=torch.float32)) / 2
        return scores

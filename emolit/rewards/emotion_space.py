"""Reward for a caption that lies where a reference lies in a space of emotions.

A reconstruction: MECap-R1 (https://arxiv.org/abs/2509.18729) rewards captions by a cosine in an
"emotion coordinate space" of a frozen sentence encoder (Emo-GRPO); how the coordinates are built,
the weights and the encoder are not published. All of it is ours here:

    place     c(x) = [cos(E(x), a_1), …, cos(E(x), a_K)]      a_k: unit vectors of K anchors
    center    c~(x) = c(x) - mean_k c(x)
    R_emotion  = (1 + cos(c~(caption), c~(reference))) / 2
    R_semantic = (1 + cos(E(caption), E(reference))) / 2
    R          = w_e R_emotion + w_s R_semantic, the largest over the references

Why the center: sentence embeddings are near to every anchor. Where all cosines lie in [0.3, 0.5],
two places cannot have a cosine below 0.88, and the reward would hardly differ in a group; centered
it is a correlation over anchors.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from emolit.errors import ConfigError
from emolit.judges.encoder import SentenceEncoder
from emolit.judges.guard import Guard
from emolit.prompts import Prompt
from emolit.rewards.base import BatchedReward, Weight
from emolit.text.words import text_of
from emolit.types import Rollout

ANCHORS = (
    "说话人的语气平静，没有明显的情绪。",
    "说话人很开心，语气中充满喜悦。",
    "说话人很悲伤，语气低落。",
    "说话人很生气，语气愤怒。",
    "说话人很惊讶，语气吃惊。",
    "说话人很厌恶，语气嫌弃。",
    "说话人很害怕，语气恐惧。",
)
"""A sentence for each class of EmotionTalk (ours): calm, glad, sad, angry, surprised, disgusted,
afraid."""
FEWEST = 3
"""Of two anchors only the sign would be left after centering."""


class EmotionSpace(BatchedReward):
    """``emotion_weight * R_emotion + semantic_weight * R_semantic``, a reconstruction of Emo-GRPO.

    An unreadable or empty answer is worth 0; it does not apply to clips without captions. Vectors
    of anchors and references stay in memory.

    Args:
        encoder: The frozen sentence model; it must know the language of the captions.
        anchors: At least three words or sentences that span the space, or a UTF-8 text file with
            one a line; None takes seven Chinese sentences.
        emotion_weight: Factor on the similarity in the space of emotions.
        semantic_weight: Factor on the plain similarity of the embeddings.
        center: Whether the mean over anchors is taken off a place.
        longest: Characters of a caption that are read; how many captions were cut is a curve.
        weight: Factor in the total.
        name: Key in logs and predictions.
        guard: Time limit of a rollout, and what a failure does.

    Raises:
        ConfigError: There are fewer than three anchors, or nothing has a weight.
    """

    counted = ("cut",)

    def __init__(
        self,
        encoder: SentenceEncoder,
        anchors: list[str] | str | None = None,
        emotion_weight: float = 1.0,
        semantic_weight: float = 1.0,
        center: bool = True,
        longest: int = 200,
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name, guard)
        if min(emotion_weight, semantic_weight) < 0 or not emotion_weight + semantic_weight:
            raise ConfigError(
                f"The reward {self.name!r} has emotion_weight {emotion_weight} and semantic_weight "
                f"{semantic_weight}; choose none below 0 and one above."
            )
        self.encoder = encoder
        self.anchors = (
            read_anchors(anchors) if isinstance(anchors, str) else tuple(anchors or ANCHORS)
        )
        if len(self.anchors) < FEWEST:
            raise ConfigError(
                f"The reward {self.name!r} has the anchors {list(self.anchors)}; give at least "
                f"{FEWEST}, which span a space."
            )
        self.emotion_weight = emotion_weight
        self.semantic_weight = semantic_weight
        self.center = center
        self.longest = longest
        self._known: dict[str, Tensor] = {}

    def prepare(self, prompt: Prompt) -> None:
        """Encode the anchors, so that an encoder that does not load is told at the start."""
        self._vectors(self.anchors, "cpu")

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        clips, device = rollout.batch.clips, rollout.tokens.device
        scores = torch.full((len(clips), rollout.group_size), float("nan"), dtype=torch.float32)
        rows = [row for row, clip in enumerate(clips) if clip.captions]
        if not rows:
            return scores
        self._vectors([text for row in rows for text in clips[row].captions], device)
        said = {
            row: [self._cut(text_of(answer)) for answer in rollout.answers[row]] for row in rows
        }
        texts = sorted({text for group in said.values() for text in group if text})
        found = self.encoder.encode(texts, device) if texts else ()
        vectors = dict(zip(texts, found, strict=True))
        for row in rows:
            readable = [place for place, text in enumerate(said[row]) if text]
            scores[row] = 0.0
            if readable:
                given = torch.stack([vectors[said[row][place]] for place in readable])
                wanted = self._vectors(clips[row].captions, device)
                scores[row, readable] = self.worth(given, wanted, device)
        return scores

    def worth(self, said: Tensor, wanted: Tensor, device: torch.device | str = "cpu") -> Tensor:
        """Return what N captions are worth beside R references, by their vectors.

        Args:
            said: Of unit length. ``[N, D]``
            wanted: Of unit length. ``[R, D]``
            device: Where the encoder computes anchors not yet known.

        Returns:
            ``[N]``
        """
        similar = said @ wanted.T
        felt = self.place(said, device) @ self.place(wanted, device).T
        parts = self.emotion_weight * (1 + felt) + self.semantic_weight * (1 + similar)
        return parts.amax(-1) / 2

    def place(self, vectors: Tensor, device: torch.device | str = "cpu") -> Tensor:
        """Return directions in the space of emotions, of unit length. ``[N, D]`` -> ``[N, K]``."""
        cosines = vectors @ self._vectors(self.anchors, device).T
        if self.center:
            cosines = cosines - cosines.mean(-1, keepdim=True)
        return normalize(cosines, dim=-1)

    def _vectors(self, texts: Sequence[str], device: torch.device | str) -> Tensor:
        """Return the vectors of anchors or references, each encoded once. ``[N, D]``."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.encoder.encode(new, device), strict=True))
        return torch.stack([self._known[text] for text in texts])

    def _cut(self, text: str) -> str:
        """Return the part of a caption that is read."""
        self.counts["cut"] += len(text) > self.longest
        return text[: self.longest]


def read_anchors(path: str) -> tuple[str, ...]:
    """Return the lines of a file that are not blank.

    Raises:
        ConfigError: There is no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigError(
            f"The file of anchors {path!r} is missing; give a UTF-8 text file with one a line, or "
            "a list of texts."
        )
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    return tuple(line.strip() for line in lines if line.strip())

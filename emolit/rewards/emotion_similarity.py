"""Reward for the right emotion, and at first for one near to it (EMO-RL)."""

from itertools import chain

import torch
from torch import Tensor

from emolit.affect.similarity import PlutchikWheel, Similarity
from emolit.errors import ConfigError
from emolit.rewards.base import BatchedReward, Weight
from emolit.rl.schedule import LinearFade, Schedule
from emolit.types import Answer, Rollout


class EmotionSimilarity(BatchedReward):
    """One for the right label, ``alpha * S`` for one with ``S > gamma``, else zero (ESWR).

    EMO-RL (arXiv 2509.15654, eq. 7 and 8), known to us second-hand. S by default, on Plutchik's
    wheel, with the right label as 1:

    |          | neutral | happy | sad   | angry | surprise | fear  | disgust |
    |----------|---------|-------|-------|-------|----------|-------|---------|
    | neutral  | 1       | .5    | .5    | .5    | .5       | .5    | .5      |
    | happy    | .5      | 1     | 0     | .5    | .1464    | .5    | .1464   |
    | sad      | .5      | 0     | 1     | .5    | .8536    | .5    | .8536   |
    | angry    | .5      | .5    | .5    | 1     | .1464    | 0     | .8536   |
    | surprise | .5      | .1464 | .8536 | .1464 | 1        | .8536 | .5      |
    | fear     | .5      | .5    | .5    | 0     | .8536    | 1     | .1464   |
    | disgust  | .5      | .1464 | .8536 | .8536 | .5       | .1464 | 1       |

    With gamma 0.7 four pairs earn a part: fear and surprise, surprise and sad, sad and disgust,
    disgust and angry. On angry, happy, neutral and sad none does: there it is `Correct`, whatever
    alpha, and so it is everywhere at alpha 0.

    Decisions: the right label is tested before S, or a right neutral would earn 0 (eq. 7 gives it
    1/2). The paper says that partial credit fades, not how: linearly is ours. An unreadable answer
    is worth 0; the reward does not apply to clips without a label. Outside training, where nothing
    has passed of it, alpha is what it was at the start.

    Args:
        similarity: What S is; None is `PlutchikWheel`: 1, .8536, .5, .1464 and 0 for labels that
            are 0 to 4 steps apart on the ring joy, trust, fear, surprise, sadness, disgust, anger,
            anticipation, and .5 with neutral and labels beside the ring. `Circumplex` takes norms
            of valence and arousal, `SimilarityMatrix` a table of one's own.
        gamma: What S must exceed.
        alpha: Factor on partial credit, 0 to 1, or how it changes over the training; None is
            `LinearFade`, from 1 to 0.
        weight: Factor in the total.
        name: Key in logs and predictions.

    Raises:
        ConfigError: ``alpha`` or ``gamma`` is out of its range.
    """

    def __init__(
        self,
        similarity: Similarity | None = None,
        gamma: float = 0.7,
        alpha: Weight | None = None,
        weight: Weight = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(weight, name)
        self.similarity = PlutchikWheel() if similarity is None else similarity
        self.gamma = gamma
        self.alpha = LinearFade() if alpha is None else alpha
        ends = (self.alpha_at(0.0), self.alpha_at(1.0))
        if not all(0 <= value <= 1 for value in (gamma, *ends)):
            raise ConfigError(
                f"The reward {self.name!r} has gamma {gamma} and alpha {ends[0]} to {ends[1]}; "
                "choose each from 0 to 1."
            )

    def alpha_at(self, progress: float) -> float:
        """Return alpha where a share of the training is over, 0 to 1."""
        return self.alpha.at(progress) if isinstance(self.alpha, Schedule) else self.alpha

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``.

        Raises:
            ConfigError: A label cannot be compared.
        """
        labels = [clip.label for clip in rollout.batch.clips]
        said = chain.from_iterable(rollout.answers)
        named = {word for word in (*rollout.batch.options, *labels, *said) if isinstance(word, str)}
        self.similarity.check(named)
        alpha = self.alpha_at(rollout.progress)
        rows = [
            [self.worth(answer, label, alpha) for answer in group]
            for label, group in zip(labels, rollout.answers, strict=True)
        ]
        return torch.tensor(rows, dtype=torch.float32)

    def worth(self, answer: Answer | None, label: str | None, alpha: float) -> float:
        """Return what an answer is worth; NaN without a label.

        Example:
            >>> EmotionSimilarity().worth("sad", "sad", alpha=0.5)
            1.0
            >>> round(EmotionSimilarity().worth("sad", "surprise", alpha=0.5), 4)
            0.4268
            >>> EmotionSimilarity().worth("sad", "happy", alpha=0.5)
            0.0
        """
        if label is None:
            return float("nan")
        if answer == label:
            return 1.0
        near = self.similarity.of(answer, label) if isinstance(answer, str) else 0.0
        return alpha * near if near > self.gamma else 0.0

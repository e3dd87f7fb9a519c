"""Reward from an emotion classifier that reads the response or hears the clip."""

from collections.abc import Mapping

import torch
from torch import Tensor

from emolit.affect.taxonomy import merge
from emolit.engine.frozen_model import Sound
from emolit.errors import ConfigError
from emolit.judges.encoder import AudioClassifier, TextClassifier
from emolit.judges.guard import Guard
from emolit.prompts.base import read_tag
from emolit.rewards.base import BatchedReward, Weight
from emolit.text.words import plain
from emolit.types import Rollout


class EmotionClassifier(BatchedReward):
    """The probability that a frozen classifier gives.

    A `TextClassifier` reads the response, or one part of it, and the worth is its probability of
    the clip's label: does the reasoning sound like the emotion? (ERV, arXiv 2510.23506, counts the
    sentences that do.) A missing or empty part is worth 0; it does not apply to clips whose label
    is unknown or no label of the classifier's.

    An `AudioClassifier` hears the clip, and the worth is its probability of the answer: a teacher
    that needs no labels. An unreadable answer is worth 0.

    Args:
        classifier: Any text or audio classifier of transformers.
        label_map: From the checkpoint's label names to ours, such as ``{ang: angry}``; several
            may become one, and their probabilities are added.
        part: Tag whose content a text classifier reads, such as ``think``; None for the whole
            response without its tags.
        weight: Factor in the total.
        name: Key in logs and predictions.
        guard: Time limit of a rollout, and what a failure does.
    """

    def __init__(
        self,
        classifier: TextClassifier | AudioClassifier,
        label_map: Mapping[str, str] | None = None,
        part: str | None = None,
        weight: Weight = 1.0,
        name: str | None = None,
        guard: Guard = Guard(),
    ) -> None:
        super().__init__(weight, name, guard)
        self.classifier = classifier
        self.label_map = dict(label_map or {})
        self.part = part

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        if isinstance(self.classifier, TextClassifier):
            return self._reading(self.classifier, rollout)
        return self._hearing(self.classifier, rollout)

    def _reading(self, classifier: TextClassifier, rollout: Rollout) -> Tensor:
        texts = [[self._read(response) for response in group] for group in rollout.responses]
        some = sorted({text for group in texts for text in group if text})
        found = classifier.encode(some, rollout.tokens.device) if some else ()
        table, columns = dict(zip(some, found, strict=True)), self._columns(classifier.labels)
        shape = (len(rollout.batch), rollout.group_size)
        scores = torch.full(shape, float("nan"), dtype=torch.float32)
        for row, clip in enumerate(rollout.batch.clips):
            if clip.label in columns:
                wanted = columns[clip.label]
                worth = [float(table[text][wanted].sum()) if text else 0.0 for text in texts[row]]
                scores[row] = torch.tensor(worth, dtype=torch.float32)
        return scores

    def _hearing(self, classifier: AudioClassifier, rollout: Rollout) -> Tensor:
        batch, columns = rollout.batch, self._columns(classifier.labels)
        unknown = sorted(set(batch.options) - columns.keys())
        if unknown:
            raise ConfigError(
                f"The reward {self.name!r} never hears {unknown}, which the question offers; its "
                f"classifier has {list(classifier.labels)}. Map them with `label_map`."
            )
        sounds = [Sound(waveform, batch.sampling_rate) for waveform in batch.waveforms]
        table = classifier.encode(sounds, rollout.tokens.device)
        rows = [
            [float(heard[columns.get(str(answer), [])].sum()) for answer in answers]
            for heard, answers in zip(table, rollout.answers, strict=True)
        ]
        return torch.tensor(rows, dtype=torch.float32)

    def _read(self, response: str) -> str:
        """Return what is read of a response; nothing where it is missing."""
        return plain(response) if self.part is None else plain(read_tag(response, self.part) or "")

    def _columns(self, labels: tuple[str, ...]) -> dict[str, list[int]]:
        """Return the columns of each of our labels."""
        columns: dict[str, list[int]] = {}
        for column, label in enumerate(labels):
            columns.setdefault(merge(label, self.label_map), []).append(column)
        return columns

"""Answering greedily, and counting: what prediction, validation and test are for every task."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lightning.pytorch import LightningModule
from torch import Tensor

from emolit.errors import ConfigError
from emolit.evaluators import Evaluator
from emolit.evaluators.confidence import Confidence
from emolit.policies import Policy
from emolit.prompts import Prompt
from emolit.seed import run_seed
from emolit.types import Batch, Evaluation, Rollout, Sampling


class GenerativeModule(LightningModule):
    """A policy that is asked by a prompt.

    Args:
        policy: The model that answers.
        prompt: Asks, and reads what is answered.
        sampling: How responses are drawn; answers are decoded greedily.
    """

    def __init__(self, policy: Policy, prompt: Prompt | None, sampling: Sampling) -> None:
        super().__init__()
        self.policy = policy
        self.prompt = prompt
        self.sampling = sampling

    def require_prompt(self) -> Prompt:
        """Return the prompt.

        Raises:
            ConfigError: The config has none at its root.
        """
        if self.prompt is None:
            raise ConfigError("The config has no `prompt` at its root; add one, such as `Direct`.")
        return self.prompt

    def parse_responses(self, rollout: Rollout) -> Rollout:
        """Parse every response."""
        prompt, options = self.require_prompt(), rollout.batch.options
        answers = tuple(
            tuple(prompt.parse(response, options) for response in group)
            for group in rollout.responses
        )
        return replace(rollout, answers=answers)

    def rewards_of(self, rollout: Rollout) -> dict[str, Tensor]:
        """Return each reward ``[B, G]`` by name; none by default."""
        return {}

    def answer(self, batch: Batch) -> Rollout:
        """Decode greedily, once a clip."""
        return self.policy.sample(batch, 1, self.sampling.greedy(), seed=run_seed(), step=0)

    def evaluate(self, batch: Batch, confidences: Sequence[Confidence] = ()) -> Evaluation:
        """Answer greedily, once a clip.

        Args:
            batch: B clips.
            confidences: What shall spread over the options besides.
        """
        rollout = self.parse_responses(self.answer(batch))
        rewards = {
            name: tuple(None if math.isnan(value) else value for value in scores[:, 0].tolist())
            for name, scores in self.rewards_of(rollout).items()
        }
        return Evaluation(
            batch=batch,
            responses=tuple(group[0] for group in rollout.responses),
            answers=tuple(group[0] for group in rollout.answers),
            rewards=rewards,
            probabilities={
                confidence.name: confidence.weigh(self.policy, self.require_prompt(), rollout)
                for confidence in confidences
            },
        )

    @property
    def confidences(self) -> Sequence[Confidence]:
        """What test and prediction find out besides the answers."""
        return ()

    def predict_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> Evaluation:
        """Answer, with confidences."""
        return self.evaluate(batch, self.confidences)


class EvaluatedModule(GenerativeModule):
    """A policy whose answers an evaluator turns into scores.

    Args:
        policy: The model that answers.
        evaluator: Turns answers into scores.
        prompt: Asks, and reads what is answered.
        sampling: How responses are drawn; validation and test decode greedily.
    """

    def __init__(
        self, policy: Policy, evaluator: Evaluator, prompt: Prompt | None, sampling: Sampling
    ) -> None:
        super().__init__(policy, prompt, sampling)
        self.evaluator = evaluator

    @property
    def confidences(self) -> Sequence[Confidence]:
        """Those of the evaluator."""
        return self.evaluator.confidences

    def on_validation_epoch_start(self) -> None:
        """Start counting anew."""
        self.evaluator.start(self._corpus().names)

    def on_test_epoch_start(self) -> None:
        """Start counting anew, also under the conditions of the test."""
        self.evaluator.start(self._corpus().test_names)

    def _corpus(self) -> Any:
        """Return the corpus.

        Raises:
            ConfigError: The trainer has loaders and none.
        """
        corpus = getattr(self.trainer, "datamodule", None)
        if corpus is None:
            raise ConfigError(
                "Evaluation needs to know its corpora by name; give the trainer a corpus as "
                "`datamodule`, not loaders alone."
            )
        return corpus

    def validation_step(  # type: ignore[override]  # callbacks want more than a mapping
        self, batch: Batch, batch_idx: int, dataloader_idx: int = 0
    ) -> Evaluation:
        """Answer and count."""
        evaluation = self.evaluate(batch)
        self.evaluator.update(evaluation)
        return evaluation

    def test_step(  # type: ignore[override]  # as above
        self, batch: Batch, batch_idx: int, dataloader_idx: int = 0
    ) -> Evaluation:
        """Answer with the evaluator's confidences, and count."""
        evaluation = self.predict_step(batch, batch_idx, dataloader_idx)
        self.evaluator.update(evaluation)
        return evaluation

    def on_validation_epoch_end(self) -> None:
        """Log the scores as ``val/<corpus>/<metric>``."""
        self._log_scores("val")

    def on_test_epoch_end(self) -> None:
        """Log the scores as ``test/<corpus>/<metric>``."""
        self._log_scores("test")

    def _log_scores(self, stage: str) -> None:
        for key, value in self.evaluator.compute().items():
            drawn = None if is_drawn(stage, key) else False  # None is where there is a logger
            self.log(f"{stage}/{key}", value.float(), rank_zero_only=False, logger=drawn)


def is_drawn(stage: str, key: str) -> bool:
    """Tell whether a score becomes a curve.

    A test would be one dot a score, so those by label stay in its report; the number of clips by
    label never changes. Callbacks see every score.

    Args:
        stage: ``val`` or ``test``.
        key: ``<corpus>/<score>`` or ``<corpus>/<score>/<label>``.

    Example:
        >>> is_drawn("val", "tones/recall/sad"), is_drawn("test", "tones/recall/sad")
        (True, False)
        >>> is_drawn("val", "tones/support/sad"), is_drawn("test", "tones/UA")
        (False, True)
    """
    score, _, label = key.partition("/")[2].partition("/")
    return not label or (stage == "val" and score != "support")

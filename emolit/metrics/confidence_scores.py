"""All scores of one confidence on one corpus: calibration, and agreement with raters."""

import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection, SumMetric

from emolit.metrics.brier import Brier
from emolit.metrics.calibration import ExpectedCalibrationError, MaximumCalibrationError
from emolit.metrics.distribution import MeanMetric, choose
from emolit.metrics.emo_superb import EmoSuperbF1
from emolit.metrics.likelihood import NegativeLogLikelihood
from emolit.metrics.raters import AnyAnnotator, EntropyThirds
from emolit.metrics.risk_coverage import AreaUnderRiskCoverage
from emolit.metrics.soft_labels import Cosine, JensenShannon, KullbackLeibler, shares

THIRDS = ("agreed", "middling", "disputed")
"""Thirds of the clips by the entropy of their votes, lowest first."""


class Agreement(MeanMetric):
    """Share of clips whose most probable option is the answer that was given."""

    higher_is_better = None

    def values(self, probabilities: Tensor, truth: Tensor) -> Tensor:
        """Return 1 or 0 for each clip. Answers ``[N]``, -1 where unreadable."""
        return (choose(probabilities) == truth).double()


class ConfidenceScores(nn.Module):
    """Scores of distributions over the labels; those against raters where clips have votes.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        calibration = {
            "ECE": ExpectedCalibrationError(),
            "MCE": MaximumCalibrationError(),
            "NLL": NegativeLogLikelihood(),
            "Brier": Brier(),
            "AURC": AreaUnderRiskCoverage(),
        }
        soft = {
            "JSD": JensenShannon(),
            "KL": KullbackLeibler(),
            "cosine": Cosine(),
            "any_annotator": AnyAnnotator(),
        }
        self.calibration = MetricCollection(dict(calibration), compute_groups=False)
        self.soft = MetricCollection(dict(soft), compute_groups=False)
        self.superb = EmoSuperbF1(num_classes)
        self.agreement = Agreement()
        self.thirds = EntropyThirds()
        self.rated = SumMetric()

    def update(
        self, probabilities: Tensor, answers: Tensor, targets: Tensor, votes: Tensor
    ) -> None:
        """Add clips.

        Args:
            probabilities: ``[N, K]``
            answers: What was answered, -1 where unreadable. ``[N]`` int64
            targets: ``[N]`` int64
            votes: Number of raters by label, all 0 where a clip has none. ``[N, K]``
        """
        self.calibration.update(probabilities, targets)
        self.agreement.update(probabilities, answers)
        rated = votes.sum(1) > 0
        self.rated.update(rated.sum())
        if rated.any():
            self.soft.update(probabilities[rated], votes[rated])
            self.superb.update(probabilities[rated], shares(votes[rated]))
            self.thirds.update(probabilities[rated], targets[rated], votes[rated])

    def compute(self) -> dict[str, Tensor]:
        """Return float64 scalars by name; nothing before any clip.

        ``votes_n`` clips have votes for a label of the set; scores against raters are of these.
        """
        agreement = self.agreement.compute()
        scores = {**self.calibration.compute(), "agreement": agreement}
        soft = {**self.soft.compute(), "emo_superb_F1": self.superb.compute()}
        rated, thirds = self.rated.compute(), self.thirds.compute()
        if rated > 0:
            by_third = dict(zip((f"WA_{third}" for third in THIRDS), thirds, strict=True))
            scores |= {"votes_n": rated, **soft, **by_third}
        if agreement.isnan():
            return {}
        return {name: torch.as_tensor(value).double() for name, value in scores.items()}

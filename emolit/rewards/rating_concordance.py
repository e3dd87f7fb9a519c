"""Reward for what a response does for the concordance (CCC) of its batch."""

import torch
from torch import Tensor

from emolit.affect.ratings import values_of
from emolit.metrics.concordance import concordance, moments_of
from emolit.rewards.base import BatchedReward
from emolit.types import Rollout

FEWEST = 3
"""Clips with ratings that a batch needs: without one of them two are left to correlate."""


class RatingConcordance(BatchedReward):
    """What each response adds to the CCC of the batch, times the number of clips (ours).

    CCC is one number a batch, from which no response could learn. So the other clips answer with
    the mean of their groups, and a response is worth the CCC with it less the CCC without its clip,
    mean over the attributes. Numbers are shares of the raters' scales, so corpora with different
    ones may be mixed. An unreadable answer is the end of the scale that lies farther from the
    raters. The batch is that of one process. The reward does not apply to clips without ratings,
    nor to batches with fewer than three of them.
    """

    compares = True

    def score_all(self, rollout: Rollout) -> Tensor:
        """Return ``[B, G]``."""
        clips = rollout.batch.clips
        names = dict.fromkeys(name for clip in clips for name in clip.attributes)
        found = [self._of(name, rollout) for name in names]
        shape = (len(clips), len(rollout.responses[0]))
        return torch.stack(found).nanmean(0) if found else torch.full(shape, float("nan"))

    def _of(self, name: str, rollout: Rollout) -> Tensor:
        """Return ``[B, G]`` for one attribute."""
        clips, answers = rollout.batch.clips, rollout.answers
        worths = torch.full((len(clips), len(rollout.responses[0])), float("nan"))
        rows = [row for row, clip in enumerate(clips) if name in clip.attributes]
        asked = any(name in values_of(answer or ()) for row in rows for answer in answers[row])
        if len(rows) < FEWEST or not asked:
            return worths
        ratings = [clips[row].attributes[name] for row in rows]
        said = [
            [its.share(values_of(answer or ()).get(name, its.farthest)) for answer in answers[row]]
            for row, its in zip(rows, ratings, strict=True)
        ]
        told = torch.tensor(said, dtype=torch.float64)
        gold = torch.tensor([[its.share(its.value)] for its in ratings], dtype=torch.float64)
        means = moments_of(told.mean(1, keepdim=True), gold)
        others = means.sum(0) - means
        gains = concordance(others + moments_of(told, gold.expand_as(told))) - concordance(others)
        worths[rows] = (len(rows) * gains).float()
        return worths

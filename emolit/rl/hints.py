"""The beginning of a gold thought as a hint, shorter and shorter: UFT.

    hints: {share: {class_path: CosineFade}}

Early in a training a policy that thinks seldom comes to a right answer. UFT (arXiv 2505.16984) lets
it go on from the first words of a gold thought. How many of the n words are given is drawn from a
binomial distribution with n and a share that falls to 0 over the training. What was given is not
trained by the rewards.

Deviations from the paper: words stand for its steps of reasoning. Its second term, the likelihood
of the hint, is that of any gold reply here: ``demonstrations: {class_path: CHORD, init_args:
{share: 0.001}}``.
"""

from dataclasses import dataclass, field, replace

import torch

from emolit.errors import ConfigError, PolicyError
from emolit.rl.schedule import CosineFade, Schedule
from emolit.seed import stream
from emolit.types import Batch, Rollout

ANSWER = "<answer>"
"""Begins what is never given."""


@dataclass(frozen=True)
class Hints:
    """How much of a gold thought a rollout begins with.

    Attributes:
        share: Of the words of the thought, 0 to 1, or how it changes over the training.
    """

    share: float | Schedule = field(default_factory=CosineFade)

    def at(self, progress: float) -> float:
        """Return the share where a share of the training is over, 0 to 1."""
        return self.share.at(progress) if isinstance(self.share, Schedule) else self.share

    def give(self, batch: Batch, progress: float, seed: int, step: int) -> Batch:
        """Return a batch whose replies begin with hints.

        Args:
            batch: With the replies that are imitated, of which hints are made.
            progress: Share of the training that is over.
            seed: Of the run; with step and clip it gives the draw.
            step: Of the training.

        Raises:
            ConfigError: A clip has no gold thought.
        """
        share, begun = self.at(progress), []
        for clip, target in zip(batch.clips, batch.targets, strict=True):
            thought, tag, _ = (target or "").partition(ANSWER)
            if not tag or not thought.strip():
                raise ConfigError(
                    f"The clip {clip.id!r} of {clip.corpus!r} has no gold thought to give a hint "
                    "of; set `rationales` of a prompt that thinks, or leave `hints` out."
                )
            words, draw = thought.split(" "), stream(seed, step, clip.corpus, clip.id)
            given = int((torch.rand(len(words), generator=draw) < share).sum())
            begun.append(" ".join(words[:given]))
        return replace(batch, begun=tuple(begun))


def check_begun(rollout: Rollout) -> None:
    """Refuse responses that do not go on from what was given.

    Raises:
        PolicyError: The policy overlooks it.
    """
    for start, group in zip(rollout.batch.begun, rollout.responses, strict=False):
        if not all(text.startswith(start) for text in group):
            raise PolicyError(
                f"A reply was to begin with {start!r}, and the policy began anew; leave `hints` "
                "out, or let the policy's `sample` take `batch.begun`."
            )

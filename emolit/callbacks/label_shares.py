"""How often each label is the right answer, and how often it is said: a label may fall silent."""

from collections.abc import Sequence

import torch
from torch import Tensor

from emolit.types import Rollout


def label_shares(rollout: Rollout) -> Tensor:
    """Return how often each option is right, and how often it is said. ``[2, K]`` float64.

    Shares of the clips, and of the responses; 0 where no answer is an option, as if they are open.
    """
    options, clips = rollout.batch.options, rollout.batch.clips
    said = [answer for group in rollout.answers for answer in group]
    if not any(answer in options for answer in said):
        return torch.zeros(2, len(options), dtype=torch.float64)
    right = [sum(clip.label == option for clip in clips) / max(1, len(clips)) for option in options]
    told = [said.count(option) / max(1, len(said)) for option in options]
    return torch.tensor([right, told], dtype=torch.float64)


def quietest(shares: Tensor, options: Sequence[str]) -> tuple[str, float]:
    """Return the label that is said least beside how often it is right, and that ratio.

    Args:
        shares: Averaged over rollouts. ``[2, K]``
        options: Their names.

    Returns:
        ``("", 1.0)`` where no option is right for any clip.

    Example:
        >>> quietest(torch.tensor([[0.2, 0.3], [0.01, 0.6]]), ["sad", "angry"])
        ('sad', 0.05)
    """
    right, said = shares
    ratios = {
        name: round((told / share).item(), 6)
        for name, share, told in zip(options, right, said, strict=True)
        if share > 0
    }
    name = min(ratios, key=lambda each: ratios[each], default="")
    return name, ratios.get(name, 1.0)

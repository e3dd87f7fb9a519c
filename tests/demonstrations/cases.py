"""Gold replies out of plain numbers: two of them, of two tokens and of one."""

from dataclasses import replace

import torch

from emolit.demonstrations import Gold
from tests.objectives.cases import scored

P = torch.tensor([[0.5, 0.25], [0.8, 1.0]], dtype=torch.float64)
MASK = torch.tensor([[True, True], [True, False]])
COUNTS = {"replies": torch.tensor(2.0), "tokens": torch.tensor(3.0)}


def gold(logprobs=None):
    return Gold(P.log() if logprobs is None else logprobs, MASK, **COUNTS)


def rollout(total, gold_advantages=None):
    """Return a scored rollout of two groups with these totals, which are advantages too."""
    mask = torch.ones(2, total.shape[1], 1, dtype=torch.bool)
    return replace(scored(mask.double(), mask, total), gold=gold_advantages)

"""Old log-probabilities as training computes them, and what sampling is off by.

Sampling, token by token on a cache, and scoring, all tokens at once, round differently: in bfloat16
the two log-probabilities of a token differ by some hundredths, and those of a response by tenths.
The ratio of one to the other is noise, and objectives would clip it. So their ratios are of
training to training. What remains between sampling and training is watched (``train/drift``) and
may be weighed: truncated importance sampling, Yao et al. 2025, "Your Efficient RL Framework
Secretly Brings You Off-Policy RL Training".
"""

from dataclasses import replace

from torch import Tensor

from emolit.rl.functional import safe_ratio
from emolit.types import ScoredRollout


def recompute_old_logprobs(scored: ScoredRollout, old: Tensor, cap: float | None) -> ScoredRollout:
    """Return a scored rollout whose ratios are to old log-probabilities of training.

    Args:
        scored: A rollout of the policy that sampled it.
        old: That policy's log-probabilities, computed as the new ones are. ``[B, G, T]``
        cap: The largest ratio of these to those of sampling that something is weighed by; None
            weighs nothing.
    """
    rollout = scored.rollout
    sampled = rollout.behavior if scored.sampled is None else scored.sampled
    scored = replace(scored, rollout=replace(rollout, behavior=old), sampled=sampled)
    if cap is None:
        return scored
    return replace(scored, weights=safe_ratio(old, sampled, rollout.mask), cap=cap)

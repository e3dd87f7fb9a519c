"""The seed of the run: one number, set by ``seed_everything`` at the root of the config."""

import hashlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Generator


def run_seed() -> int:
    """Return the seed that ``seed_everything`` has set; 0 without one.

    Lightning hands it to all processes of a run through the environment. Data order, sampled
    responses and new weights are functions of it.
    """
    return int(os.environ.get("PL_GLOBAL_SEED", "0"))


def stream(*key: object) -> "Generator":
    """Return a stream of random numbers of its own: a function of the key alone.

    Args:
        key: What tells it from others, such as seed, step, and the name of a clip.

    Example:
        >>> import torch
        >>> first, again, other = (torch.rand(1, generator=stream(0, i)) for i in (1, 1, 2))
        >>> bool(first == again), bool(first == other)
        (True, False)
    """
    from torch import Generator  # the command's own help needs no torch

    digest = hashlib.sha256(" ".join(map(str, key)).encode()).hexdigest()
    return Generator().manual_seed(int(digest[:8], 16))

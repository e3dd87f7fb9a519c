"""The seed of the run: one number, set by ``seed_everything`` at the root of the config."""

import hashlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
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

    return Generator().manual_seed(seed_of(*key))


def seed_of(*key: object) -> int:
    """Return the seed of a key's own stream, below 2**32."""
    return int(hashlib.sha256(" ".join(map(str, key)).encode()).hexdigest()[:8], 16)


@contextmanager
def drawing_from(*key: object) -> Iterator[None]:
    """Let the global streams of Python, numpy and torch's CPU be a key's own while the block runs.

    For code of others that draws from them; behind the block they go on as if nothing was drawn.

    Args:
        key: What tells its streams from others.
    """
    import numpy as np
    import torch

    before, seed = (random.getstate(), np.random.get_state()), seed_of(*key)
    try:
        with torch.random.fork_rng(devices=[]):
            random.seed(seed)
            np.random.seed(seed)
            torch.default_generator.manual_seed(seed)
            yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])

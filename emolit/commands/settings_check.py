"""Settings that Lightning takes and cannot work with are told before anything is made."""

from collections.abc import Mapping
from typing import Any

from emolit.errors import ConfigError

SEEDS = (0, 2**32 - 1)
"""What NumPy takes."""
COUNTS = ("accumulate_grad_batches", "check_val_every_n_epoch", "val_check_interval")
"""Settings of the trainer by which steps are divided."""


def check_settings(given: Mapping[str, Any]) -> None:
    """Look at the settings of a run.

    Args:
        given: The config of a subcommand.

    Raises:
        ConfigError: The seed is none, or the trainer would divide by 0 or cut gradients at NaN.
    """
    seed = given["seed_everything"]
    if isinstance(seed, int) and not SEEDS[0] <= seed <= SEEDS[1]:
        raise ConfigError(
            f"`seed_everything` is {seed}; choose a whole number from {SEEDS[0]} to {SEEDS[1]}."
        )
    trainer = given["trainer"]
    for name in COUNTS:
        if trainer[name] == 0:
            raise ConfigError(f"`trainer.{name}` is {trainer[name]}; choose 1 or more.")
    clip = trainer["gradient_clip_val"]
    if clip is not None and not clip >= 0:
        raise ConfigError(
            f"`trainer.gradient_clip_val` is {clip}; choose a number above 0, or leave it out."
        )

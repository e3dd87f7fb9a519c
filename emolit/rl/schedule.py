"""Numbers that change over a training, as a function of the share of it that is over.

    weight: {class_path: CosineFade, init_args: {start: 1.0, end: 0.0}}

The share comes with the rollout (``Rollout.progress``), which follows from the step, so that a
resumed run goes on where it was.
"""

import math
from abc import ABC, abstractmethod

from emolit.errors import ConfigError


class Schedule(ABC):
    """Goes from one number to another; before and after that it stands still.

    Args:
        start: Value up to ``begin``.
        end: Value from ``until`` on.
        begin: Share of the training after which it changes, 0 to 1.
        until: Share of the training after which it has changed, 0 to 1.

    Raises:
        ConfigError: The shares are not in order.
    """

    def __init__(
        self, start: float = 1.0, end: float = 0.0, begin: float = 0.0, until: float = 1.0
    ) -> None:
        if not 0 <= begin < until <= 1:
            raise ConfigError(
                f"{type(self).__name__} has begin {begin} and until {until}; both are shares of "
                "the training, with 0 <= begin < until <= 1."
            )
        self.start = start
        self.end = end
        self.begin = begin
        self.until = until

    def at(self, progress: float) -> float:
        """Return the value where a share of the training is over, 0 to 1."""
        passed = (progress - self.begin) / (self.until - self.begin)
        return self.end + (self.start - self.end) * self.remaining(min(1.0, max(0.0, passed)))

    @abstractmethod
    def remaining(self, passed: float) -> float:
        """Return how much of the start is left, from 1 at 0 to 0 at 1."""


class LinearFade(Schedule):
    """Changes at one pace.

    Example:
        >>> LinearFade(start=2.0, end=1.0).at(0.25)
        1.75
    """

    def remaining(self, passed: float) -> float:
        """Return what is left."""
        return 1 - passed


class CosineFade(Schedule):
    """Changes slowly at both ends: half a period of a cosine (SGDR, arXiv 1608.03983, eq. 5).

    Example:
        >>> CosineFade().at(0.5)
        0.5
    """

    def remaining(self, passed: float) -> float:
        """Return what is left."""
        return (1 + math.cos(math.pi * passed)) / 2


def check_end(name: str, owner: object) -> None:
    """Refuse settings that follow a training which has no end: they would stand still.

    Args:
        name: What has the settings, as a person knows it.
        owner: The same, as an object.

    Raises:
        ConfigError: One of them is a `Schedule`.
    """
    for setting, value in vars(owner).items():
        if isinstance(value, Schedule):
            raise ConfigError(
                f"`{setting}` of {name} changes over the training, which has no end; "
                "set `trainer.max_epochs` or `trainer.max_steps`, or make it a number."
            )

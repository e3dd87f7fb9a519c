"""The loss of a scored rollout; one paper, one file."""

from emolit.objectives.base import Objective

__all__ = ["Objective"]

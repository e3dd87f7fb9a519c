"""Who samples the responses of a rollout: one engine, one file."""

from emolit.rollouts.base import RolloutEngine

__all__ = ["RolloutEngine"]

"""LightningModules: how a policy is trained and tested."""

from emolit.tasks.base import Task

__all__ = ["Task"]

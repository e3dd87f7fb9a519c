"""Base models that answer, each with its reference."""

from emolit.policies.base import Policy

__all__ = ["Policy"]

"""What a response is worth; one idea each."""

from emolit.rewards.base import Reward

__all__ = ["Reward"]

"""How a question is put and how its answer is read: render and parse live together."""

from emolit.prompts.base import Prompt

__all__ = ["Prompt"]

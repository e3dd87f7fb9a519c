"""Audio language models trained to hear emotion, by group-relative reinforcement learning."""

__version__ = "0.1.0"

"""`emolit sweep`: the runs of an experiment, one after the other, resumable."""

from emolit.commands.sweep.command import main

__all__ = ["main"]

"""`emolit export`: a checkpoint as a folder for others, with a model card."""

from emolit.commands.export.command import main

__all__ = ["main"]

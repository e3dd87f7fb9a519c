"""`emolit cross`: every model on every corpus, with intervals and tests."""

from emolit.commands.cross.command import main

__all__ = ["main"]

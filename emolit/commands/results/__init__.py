"""`emolit results`: from finished sweeps to rows, tests and a page."""

from emolit.commands.results.command import main

__all__ = ["main"]

"""`emolit report`: runs as one HTML file."""

from emolit.commands.report.command import main

__all__ = ["main"]
